import { useMemo } from 'react';
import { Link } from 'wouter';
import { runHref } from '../address/links.js';
import { ask } from '../data/api.js';
import { useRunName } from '../data/live-run.js';
import { EmptyState } from '../design/empty-state.js';
import { useAttempt } from '../step-tab/attempt.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import type { LogSource } from './console-log.js';
import { ConsoleView } from './console-view.js';

/** What the step wrote, attempt by attempt. */
export default function ConsoleTab({ live, step }: StepTabProps) {
  const attempt = useAttempt(step);
  const from = useRunName(live, step.cachedFrom);
  const run = live.view.id;
  const { name } = step;
  const source = useMemo(
    (): LogSource => ({
      key: `${run}/${name}/${attempt}`,
      read: (query, signal) =>
        ask('GET /api/runs/:run/steps/:step/logs', {
          path: { run, step: name },
          query: { ...query, attempt },
          signal,
        }),
      follow: { run, step: name, attempt },
    }),
    [run, name, attempt],
  );
  if (attempt === 0)
    return step.status === 'cached' && step.cachedFrom !== undefined ? (
      <EmptyState title="It was taken from the cache" small>
        <Link href={runHref(step.cachedFrom, { step: step.name, tab: 'console' })}>
          The console of run {from}
        </Link>
      </EmptyState>
    ) : (
      <EmptyState title={step.status === 'skipped' ? 'It did not run' : 'It has not run yet'} small />
    );
  const goesOn = step.status === 'running' && attempt === step.attempts;
  return (
    <ConsoleView
      source={source}
      goesOn={goesOn}
      none={<EmptyState title={goesOn ? 'Nothing yet' : 'It wrote nothing'} small live />}
    />
  );
}
