import type { RerunPreview } from '@run-pipeline/core/wire';
import { count, many } from '../design/amounts.js';
import { Button } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { Command } from '../design/copy-button.js';
import { EmptyState } from '../design/empty-state.js';
import { StatusIcon } from '../design/status-icon.js';
import { VirtualList } from '../design/virtual-list.js';
import styles from './rerun.module.css';

export interface PreviewState {
  readonly data: RerunPreview | undefined;
  readonly error: Error | undefined;
  readonly busy: boolean;
}

type Action = RerunPreview['steps'][number]['action'];
const WORDS: Readonly<Record<Action, string>> = { run: 'runs', cached: 'cached', depends: 'depends' };
const ICONS = { run: 'running', cached: 'cached', depends: 'queued' } as const;
const ROW_HEIGHT = 46;

/** What would happen, step by step, before it is started. Nothing is executed for it. */
export function Preview({
  state,
  onRestart,
}: {
  readonly state: PreviewState;
  /** Asks for one step to be executed although it is cached. */
  readonly onRestart: ((step: string) => void) | undefined;
}) {
  const { data, error, busy } = state;
  const counts = { run: 0, cached: 0, depends: 0 };
  for (const { action } of data?.steps ?? []) counts[action]++;
  const general = (data?.problems ?? []).filter(({ parameter }) => parameter === undefined);
  return (
    <section
      aria-label="What would happen"
      aria-busy={busy}
      className={cx(styles.preview, busy && styles.busy)}
    >
      <h2>What would happen</h2>
      {error === undefined ? null : (
        <p className={styles.problem} role="alert">
          {error.message}
        </p>
      )}
      {general.map(({ message }) => (
        <p key={message} className={styles.problem} role="alert">
          {message}
        </p>
      ))}
      {data === undefined ? (
        <p className={styles.muted}>{error === undefined ? 'Looking what is in the cache…' : ''}</p>
      ) : (
        <>
          {data.steps.length === 0 ? (
            <EmptyState
              title={data.problems.length === 0 ? 'Known only while it runs' : 'Not planned'}
              small
            />
          ) : (
            <>
              <p className={styles.summary} role="status">
                {many(counts.run, 'step')} {counts.run === 1 ? 'runs' : 'run'}, {count(counts.cached)} cached
                {counts.depends === 0 ? '' : `, ${count(counts.depends)} depend on what the others give`}
              </p>
              <VirtualList
                count={data.steps.length}
                rowHeight={ROW_HEIGHT}
                label="Steps"
                className={styles.steps}
                row={(index) => {
                  const step = data.steps[index]!;
                  return (
                    <li key={step.name} className={styles.step}>
                      <StatusIcon status={ICONS[step.action]} />
                      <span className={styles.stepName} title={step.name}>
                        {step.name}
                      </span>
                      <span className={styles.action}>
                        {step.action === 'cached' && onRestart !== undefined ? (
                          <Button
                            kind="quiet"
                            aria-label={`execute again: ${step.name}`}
                            onClick={() => onRestart(step.name)}
                          >
                            execute again
                          </Button>
                        ) : null}
                        {WORDS[step.action]}
                      </span>
                      {step.reasons.length === 0 ? null : (
                        <span className={styles.reason} title={step.reasons.join('\n')}>
                          {step.reasons[0]}
                        </span>
                      )}
                    </li>
                  );
                }}
              />
            </>
          )}
          {data.notes.map((note) => (
            <p key={note} className={styles.muted}>
              {note}
            </p>
          ))}
          <div className={styles.command}>
            <h3>The same in a terminal</h3>
            <Command text={data.command} />
          </div>
        </>
      )}
    </section>
  );
}
