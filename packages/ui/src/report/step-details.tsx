import type { StepSpan, StepView } from '@run-pipeline/core/run-view';
import type { ReportStep } from '@run-pipeline/core/wire';
import { count, duration, many, shortHash } from '../design/amounts.js';
import { ErrorRecordView } from '../design/error-record.js';
import { Facts, Section } from '../design/facts.js';
import { At, timeOfDay } from '../design/time.js';
import body from '../step-tab/tab-body.module.css';
import { CodeLines } from '../step/code-lines.js';
import { ArtifactContent } from './artifact-content.js';
import { ReportedConsole } from './reported-console.js';
import { ReportedPlots } from './reported-plots.js';
import { StepAnchor, StepAnchors } from './step-anchor.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** Everything that the report has of a step. */
export function StepDetails({ step }: { readonly step: StepView }) {
  const { run } = useReportedRun();
  const details = run.details(step.name);
  return (
    <div className={styles.details}>
      {step.error === undefined ? null : (
        <div className={body.error}>
          <ErrorRecordView error={step.error} />
        </div>
      )}
      <div className={styles.pair}>
        <About step={step} />
        {details === undefined ? null : <Why details={details} />}
      </div>
      {details === undefined ? null : <Inputs details={details} />}
      {step.reports.length === 0 ? null : (
        <Section title="Reports">
          <ReportedPlots reports={step.reports} sync={step.name} />
        </Section>
      )}
      {step.artifacts.length === 0 ? null : (
        <Section title="Artifacts">
          {step.artifacts.map((artifact) => (
            <ArtifactContent key={artifact.name} artifact={artifact} />
          ))}
        </Section>
      )}
      {details?.console === undefined ? null : (
        <ReportedConsole page={details.console} attempts={step.attempts} name={step.name} />
      )}
      {details === undefined || details.code.pieces.length === 0 ? null : (
        <Section title="Code">
          {details.code.pieces.map((piece) => (
            <CodeLines key={`${piece.file}:${piece.line}:${piece.name}`} piece={piece} />
          ))}
        </Section>
      )}
      {details === undefined ? null : <Packages details={details} />}
    </div>
  );
}

function About({ step }: { readonly step: StepView }) {
  const { run } = useReportedRun();
  const spans = (step.spans ?? []).filter(({ to }) => to !== undefined);
  return (
    <Section title="This step">
      <Facts
        facts={[
          ['attempts', step.attempts === 0 ? undefined : count(step.attempts)],
          ['what when', spans.length < 2 ? undefined : <Spans spans={spans} />],
          ['saved', step.savedMs === undefined ? undefined : duration(step.savedMs)],
          ['cached from', step.cachedFrom === undefined ? undefined : `run ${run.nameOf(step.cachedFrom)}`],
          ['started', step.startedAt === undefined ? undefined : <At at={step.startedAt} />],
          ['ended', step.finishedAt === undefined ? undefined : <At at={step.finishedAt} />],
          ['host', step.host],
          ['agent', step.agent],
          ['queue', step.queue],
          ['element of', step.of === undefined ? undefined : <StepAnchor name={step.of} />],
          ['after', step.parents.length === 0 ? undefined : <StepAnchors names={step.parents} />],
          ['fingerprint', step.fingerprint === undefined ? undefined : <code>{step.fingerprint}</code>],
        ]}
      />
    </Section>
  );
}

function Spans({ spans }: { readonly spans: readonly StepSpan[] }) {
  return (
    <ul>
      {spans.map(({ kind, attempt, from, to, failed }) => (
        <li key={`${kind}${from}`}>
          {kind === 'run'
            ? `attempt ${attempt}`
            : kind === 'queue'
              ? 'waited in the queue'
              : 'waited for the next attempt'}
          , {timeOfDay(from)}, {duration(Date.parse(to ?? from) - Date.parse(from))}
          {failed === true ? ', failed' : ''}
        </li>
      ))}
    </ul>
  );
}

function Why({ details }: { readonly details: ReportStep }) {
  const { why, ancestors, parts, comparedWith } = details.why;
  const changed = parts.filter(({ change }) => change !== 'same');
  if (why.length + ancestors.length + changed.length === 0) return null;
  return (
    <Section
      title="Why"
      aside={comparedWith === undefined ? undefined : `compared with #${comparedWith.number}`}
    >
      <ul className={styles.sentences}>
        {why.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
        {ancestors.map(({ step, why: reasons }) => (
          <li key={step}>
            <StepAnchor name={step} /> {reasons[0]}
          </li>
        ))}
      </ul>
      {comparedWith === undefined || changed.length === 0 ? null : (
        <table className={body.table}>
          <thead>
            <tr>
              <th scope="col">Changed</th>
              <th scope="col">Before</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {changed.map((part) => (
              <tr key={`${part.kind} ${part.name}`}>
                <td>
                  {part.kind} {part.name}
                </td>
                <td className={body.before}>{part.change === 'added' ? 'not there' : value(part.before)}</td>
                <td className={body.now}>{part.change === 'removed' ? 'not there' : value(part.now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

/** Hashes are known by their beginnings. */
const value = (text: string | undefined): string =>
  text === undefined ? '' : /^(?:sha256:)?[0-9a-f]{32,}$/.test(text) ? shortHash(text) : text;

function Inputs({ details }: { readonly details: ReportStep }) {
  const { inputs } = details.inputs;
  if (inputs.length === 0) return null;
  return (
    <Section title="Inputs">
      <table className={body.table}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">From</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {inputs.map((input) => (
            <tr key={input.name}>
              <td>{input.name}</td>
              <td>
                {input.from.map(({ step, artifact }) => (
                  <div key={`${step}.${artifact}`}>
                    <StepAnchor name={step} /> <span className={body.mono}>{artifact}</span>
                  </div>
                ))}
                {input.from.length > 0 ? null : input.parameter !== undefined ? (
                  <>parameter {input.parameter}</>
                ) : (
                  <span className={body.muted}>{input.path ?? 'a value in the source'}</span>
                )}
              </td>
              <td>
                {input.preview === undefined ? null : <span className={body.preview}>{input.preview}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Packages({ details }: { readonly details: ReportStep }) {
  const { dependencies, node } = details.packages;
  if (dependencies.length === 0) return null;
  return (
    <Section
      title="Packages"
      aside={`${many(dependencies.length, 'package')}${node === undefined ? '' : `, Node ${node}`}`}
    >
      <ul className={styles.packages}>
        {dependencies.map(({ name, version, direct }) => (
          <li key={`${name}@${version}`} className={direct ? '' : body.muted}>
            <code>
              {name}@{version}
            </code>
          </li>
        ))}
      </ul>
    </Section>
  );
}
