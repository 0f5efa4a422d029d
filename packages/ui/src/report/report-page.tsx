import { useCallback, useEffect, useMemo, useState } from 'react';
import type { ReportData } from '@run-pipeline/core/wire';
import { many } from '../design/amounts.js';
import { Button } from '../design/button.js';
import { Section } from '../design/facts.js';
import { absolute } from '../design/time.js';
import { noSteps } from '../design/no-steps.js';
import { ArtifactContent } from './artifact-content.js';
import { ReportFailure, firstFailure } from './report-failure.js';
import { ReportGraph } from './report-graph.js';
import { ReportHeader } from './report-header.js';
import { ReportTimeline } from './report-timeline.js';
import { ReportedPlots } from './reported-plots.js';
import { ShownRun, reportedRun } from './reported-run.js';
import { StepEntry } from './step-entry.js';
import styles from './report.module.css';

/** All of a run below each other: to scroll, to search and to print. */
export function ReportPage({ data }: { readonly data: ReportData }) {
  const run = useMemo(() => reportedRun(data), [data]);
  const { view, steps } = run;
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => {
    const failure = firstFailure(view);
    return new Set(failure === undefined ? [] : [failure.step.name]);
  });
  const set = useCallback(
    (step: string, isOpen: boolean) =>
      setOpened((before) => {
        if (before.has(step) === isOpen) return before;
        const next = new Set(before);
        if (isOpen) next.add(step);
        else next.delete(step);
        return next;
      }),
    [],
  );
  useEffect(() => {
    document.title = `${view.pipeline} #${view.number} ${view.status}`;
    // A link to a step of this file.
    const step = steps.find(({ name }) => `#${run.idOf(name)}` === location.hash);
    if (step === undefined) return;
    set(step.name, true);
    document.getElementById(run.idOf(step.name))?.scrollIntoView();
  }, [run, view, steps, set]);
  const shown = useMemo(() => ({ run, open: (step: string) => set(step, true) }), [run, set]);
  const reports = useMemo(() => view.reports.map(({ report }) => report), [view]);
  return (
    <ShownRun value={shown}>
      <div className={styles.page}>
        <ReportHeader />
        <main className={styles.main}>
          <ReportFailure />
          {steps.length === 0 ? (
            <p>{noSteps(run.view.status)}</p>
          ) : (
            <>
              <section aria-labelledby="graph">
                <h2 id="graph">Graph</h2>
                <ReportGraph />
              </section>
              <section aria-labelledby="timeline">
                <h2 id="timeline">Timeline</h2>
                <ReportTimeline />
              </section>
            </>
          )}
          {reports.length + view.artifacts.size === 0 ? null : (
            <section aria-labelledby="results">
              <h2 id="results">What the run shows</h2>
              <div className={styles.card}>
                <ReportedPlots reports={reports} sync="run" />
                {[...view.artifacts].map(([name, { artifact }]) => (
                  <ArtifactContent key={name} artifact={{ ...artifact, name }} />
                ))}
              </div>
            </section>
          )}
          {steps.length === 0 ? null : (
            <section aria-labelledby="steps">
              <div className={styles.sectionHead}>
                <h2 id="steps">Steps</h2>
                <span className={styles.muted}>{many(steps.length, 'step')}</span>
                <span className={styles.tools}>
                  <Button onClick={() => setOpened(new Set(steps.map(({ name }) => name)))}>Open all</Button>
                  <Button onClick={() => setOpened(new Set())}>Close all</Button>
                </span>
              </div>
              <div className={styles.columns} aria-hidden="true">
                <span>Step</span>
                <span>Status</span>
                <span>Took</span>
                <span>Attempts</span>
                <span>Why</span>
              </div>
              <ul className={styles.steps}>
                {steps.map((step) => (
                  <StepEntry key={step.name} step={step} opened={opened.has(step.name)} onOpened={set} />
                ))}
              </ul>
            </section>
          )}
          {data.omitted.length === 0 ? null : (
            <Section title="What was left out of this report">
              <ul className={styles.omitted}>
                {data.omitted.map((sentence) => (
                  <li key={sentence}>{sentence}</li>
                ))}
              </ul>
            </Section>
          )}
          <p className={styles.foot}>
            Made {absolute(data.madeAt)} by run-pipeline {data.version}
          </p>
        </main>
      </div>
    </ShownRun>
  );
}
