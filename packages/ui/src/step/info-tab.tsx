import { useMemo } from 'react';
import { Link } from 'wouter';
import { isSuccess, saysUncached } from '@run-pipeline/core/model';
import type { StepSpan, StepView } from '@run-pipeline/core/run-view';
import { runHref, taskHref } from '../address/links.js';
import { useSeconds } from '../data/clock.js';
import { useRunName, useShape, type LiveRun } from '../data/live-run.js';
import { useAction, useSession } from '../data/queries.js';
import { count, duration, elapsed, shortHash } from '../design/amounts.js';
import { Button } from '../design/button.js';
import { CopyButton } from '../design/copy-button.js';
import { ErrorRecordView } from '../design/error-record.js';
import { Facts, Section } from '../design/facts.js';
import { useNotice } from '../design/notice.js';
import { Status } from '../design/status-icon.js';
import { At, timeOfDay } from '../design/time.js';
import { Members } from './members.js';
import { StepLinks } from '../step-tab/step-link.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import body from '../step-tab/tab-body.module.css';
import styles from './info-tab.module.css';

/** How it is, where and when it ran, and what stands before and after it. */
export function InfoTab({ live, step, onSelect }: StepTabProps) {
  const around = useAround(live, step);
  const from = useRunName(live, step.cachedFrom);
  return (
    <div className={body.body}>
      {step.error === undefined ? null : (
        <div className={body.error}>
          <ErrorRecordView error={step.error} />
        </div>
      )}
      {step.why.length === 0 ? null : <p className={styles.why}>{step.why[0]}</p>}
      {around.members.length === 0 ? null : (
        <Section title={`${count(around.members.length)} elements`}>
          <Members live={live} names={around.members} onSelect={onSelect} />
        </Section>
      )}
      <Section title="This step">
        <Facts
          facts={[
            ['status', <Status key="status" status={step.status} />],
            [
              'took',
              step.status === 'cached' || step.status === 'skipped' || step.durationMs === undefined
                ? undefined
                : duration(step.durationMs),
            ],
            ['saved', step.savedMs === undefined ? undefined : duration(step.savedMs)],
            [
              'cached from',
              step.cachedFrom === undefined ? undefined : (
                <Link href={runHref(step.cachedFrom, { step: step.name })}>run {from}</Link>
              ),
            ],
            ['attempts', step.attempts === 0 ? undefined : count(step.attempts)],
            ['started', step.startedAt === undefined ? undefined : <At at={step.startedAt} />],
            ['ended', step.finishedAt === undefined ? undefined : <At at={step.finishedAt} />],
            ['host', step.host],
            ['process', step.pid === undefined ? undefined : String(step.pid)],
            ['agent', step.agent],
            ['queue', step.queue],
            [
              'task',
              step.task === undefined ? undefined : <Link href={taskHref(step.task)}>{step.task}</Link>,
            ],
            [
              'element of',
              step.of === undefined ? undefined : (
                <StepLinks live={live} names={[step.of]} onSelect={onSelect} />
              ),
            ],
            [
              'after',
              step.parents.length === 0 ? undefined : (
                <StepLinks live={live} names={step.parents} onSelect={onSelect} />
              ),
            ],
            [
              'before',
              around.children.length === 0 ? undefined : (
                <StepLinks live={live} names={around.children} onSelect={onSelect} />
              ),
            ],
            [
              'fingerprint',
              step.fingerprint === undefined ? undefined : (
                <span className={styles.hash}>
                  <code title={step.fingerprint}>{shortHash(step.fingerprint)}</code>
                  <CopyButton text={step.fingerprint} label="Copy the fingerprint" />
                </span>
              ),
            ],
          ]}
        />
      </Section>
      {step.spans === undefined || step.spans.length < 2 ? null : (
        <Attempts spans={step.spans} lost={live.view.status === 'lost'} />
      )}
      <RefreshCache live={live} step={step} />
    </div>
  );
}

function Attempts({ spans, lost }: { readonly spans: readonly StepSpan[]; readonly lost: boolean }) {
  const now = useSeconds(spans.at(-1)?.to === undefined && !lost);
  return (
    <Section title="What it did when">
      <table className={body.table}>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">From</th>
            <th scope="col" className={body.end}>
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {spans.map((span) => (
            <tr key={`${span.kind}${span.from}`}>
              <td>
                {span.kind === 'run'
                  ? `attempt ${span.attempt}`
                  : span.kind === 'queue'
                    ? 'waited in the queue'
                    : 'waited for the next attempt'}
                {span.failed === true ? <span className={styles.failed}> · failed</span> : null}
              </td>
              <td title={span.from}>{timeOfDay(span.from)}</td>
              <td className={body.end}>
                {span.to === undefined
                  ? lost
                    ? 'interrupted'
                    : elapsed(now - Date.parse(span.from))
                  : duration(Date.parse(span.to) - Date.parse(span.from))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function RefreshCache({ live, step }: { readonly live: LiveRun; readonly step: StepView }) {
  const refresh = useAction('POST /api/cache/refresh');
  const session = useSession();
  const notify = useNotice();
  if (step.fingerprint === undefined || !isSuccess(step.status) || saysUncached(step.why)) return null;
  return (
    <Section title="Cache">
      <p className={body.muted}>
        Without the entry of this step, the next run that wants it executes it again.
      </p>
      <div>
        <Button
          disabled={refresh.isPending || session.data?.actions === false}
          onClick={() =>
            refresh.mutate(
              { body: { run: live.view.id, step: step.name } },
              { onSuccess: ({ message }) => notify(message), onError: (error) => notify(error.message) },
            )
          }
        >
          Remove from the cache
        </Button>
      </div>
    </Section>
  );
}

/** Steps that stand behind it, and the elements that it has. */
function useAround(
  live: LiveRun,
  step: StepView,
): { readonly children: readonly string[]; readonly members: readonly string[] } {
  const shape = useShape(live);
  return useMemo(() => {
    const children: string[] = [];
    const members: string[] = [];
    for (const other of live.view.steps.values()) {
      if (other.of === step.name) members.push(other.name);
      else if (other.parents.includes(step.name)) children.push(other.name);
    }
    return { children, members };
  }, [shape, live, step.name]);
}
