import { stepName, type RunEvent, type RunId, type StepLog, type TaskId } from '@run-pipeline/core/model';
import type { Store, TaskOutputRow } from '@run-pipeline/core/ports';
import type { ConsoleChunk } from '@run-pipeline/core/run-view';

export interface LogEntry {
  readonly seq: number;
  readonly chunk: ConsoleChunk;
}

/** The console of one attempt, in pieces that have a place (`seq`) in it. */
export interface LogSource {
  /** What names it: the key of its index. */
  readonly key: string;
  /** Nothing of it stands before this. */
  readonly start: number;
  /** In order; `read` is the place up to which everything was looked at, `done` that there is no more now. */
  read(
    afterSeq: number,
    limit: number,
  ): Promise<{ readonly entries: readonly LogEntry[]; readonly read: number; readonly done: boolean }>;
}

/** Of a step of a run, from the run's events. */
export function stepLogSource(
  store: Store,
  of: { readonly run: RunId; readonly step: string; readonly attempt: number; readonly start: number },
): LogSource {
  const { run, attempt, start } = of;
  const step = stepName(of.step);
  return {
    key: JSON.stringify([run, step, attempt]),
    start,
    async read(afterSeq, limit) {
      const events = await store.readEvents(run, { types: ['step.log'], step, afterSeq, limit });
      const entries = events
        .filter((event): event is RunEvent & StepLog => event.type === 'step.log')
        .filter((event) => event.attempt === attempt)
        .map(({ seq, stream, text, ts }) => ({ seq, chunk: { stream, text, ts } }));
      return { entries, read: events.at(-1)?.seq ?? afterSeq, done: events.length < limit };
    },
  };
}

/** Of a task of its own, from what its executor told the store. */
export function taskLogSource(store: Store, task: TaskId, attempt: number): LogSource {
  return {
    key: JSON.stringify([task, attempt]),
    start: -1,
    async read(afterSeq, limit) {
      const rows = await store.readTaskOutput(task, { attempt, afterSeq, limit });
      const entries = rows
        .filter((row): row is TaskOutputRow & { readonly kind: 'log' } => row.kind === 'log')
        .map(({ seq, stream, text, ts }) => ({ seq, chunk: { stream, text, ts } }));
      return { entries, read: rows.at(-1)?.seq ?? afterSeq, done: rows.length < limit };
    },
  };
}
