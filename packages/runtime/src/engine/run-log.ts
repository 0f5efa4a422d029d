import { RunPipelineError, type RunEvent, type RunEventBody, type RunId } from '@run-pipeline/core/model';
import type { Commit, CommitResult, Store } from '@run-pipeline/core/ports';

/**
 * The one place from which a run's state is written. It gives events their sequence numbers, commits
 * them in order, and hands them to the outside only after the commit (INVARIANTS 9). What is appended
 * while a commit is under way goes out together in the next one.
 *
 * A refused commit means that this process no longer owns the run (or that its store is broken): the
 * log closes, nothing more is written, and `onLost` is told once.
 */
export interface LogEntry extends Omit<Commit, 'run' | 'epoch' | 'events'> {
  readonly events: readonly RunEventBody[];
}

export interface RunLog {
  /** Resolves when the entry is durable. */
  append(entry: LogEntry): Promise<void>;
  /** Resolves when everything appended so far is durable. */
  flushed(): Promise<void>;
  readonly lastSeq: number;
}

/** The run belongs to another process now: nothing more may be written. */
export class RunLost extends Error {
  override readonly name = 'RunLost';
}

interface Waiting {
  readonly entry: LogEntry;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

export function createRunLog(options: {
  readonly store: Store;
  readonly run: RunId;
  readonly epoch: number;
  readonly lastSeq: number;
  readonly onEvent: (event: RunEvent) => void;
  readonly onLost: (error: Error) => void;
}): RunLog {
  let lastSeq = options.lastSeq;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let broken: Error | undefined;

  const number = (bodies: readonly RunEventBody[]): RunEvent[] => {
    const ts = new Date().toISOString();
    return bodies.map((body) => ({ v: 1, seq: ++lastSeq, ts, run: options.run, ...body }));
  };

  const writeBatch = async (batch: readonly Waiting[]): Promise<void> => {
    const sent = groups(batch).map((group) => {
      const entry = merge(group.map((item) => item.entry));
      const events = number(entry.events);
      const result = options.store.commit({ ...entry, run: options.run, epoch: options.epoch, events });
      result.catch(() => {}); // awaited below, in order
      return { group, events, result };
    });
    for (const { group, events, result } of sent) {
      const answer = await result;
      if (!answer.ok) throw refusal(answer);
      for (const event of events) options.onEvent(event);
      for (const item of group) item.settle();
    }
  };

  const drain = async (): Promise<void> => {
    // One turn of the event loop lets what happens together be written together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await writeBatch(batch);
      } catch (error) {
        broken = error as Error;
        for (const item of [...batch, ...waiting]) item.fail(broken);
        waiting = [];
        options.onLost(broken);
      }
    }
    writing = undefined;
  };

  return {
    append(entry) {
      if (broken !== undefined) return Promise.reject(broken);
      const appended = new Promise<void>((settle, fail) => {
        waiting.push({ entry, settle, fail });
        writing ??= drain();
      });
      // Not every caller waits; `onLost` has told of a failure by then.
      appended.catch(() => {});
      return appended;
    },
    async flushed() {
      while (writing !== undefined) await writing;
      if (broken !== undefined) throw broken;
    },
    get lastSeq() {
      return lastSeq;
    },
  };
}

/** Neighbours that end no attempt share one commit. */
function groups(batch: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const result: Waiting[][] = [];
  let open: Waiting[] | undefined;
  for (const item of batch) {
    if (item.entry.finish !== undefined || item.entry.cacheEntry !== undefined) {
      result.push([item]);
      open = undefined;
    } else if (open === undefined) {
      open = [item];
      result.push(open);
    } else {
      open.push(item);
    }
  }
  return result;
}

function merge(entries: readonly LogEntry[]): LogEntry {
  const [only] = entries;
  if (only !== undefined && entries.length === 1) return only;
  return {
    events: entries.flatMap((entry) => entry.events),
    artifacts: entries.flatMap((entry) => entry.artifacts ?? []),
    hits: entries.flatMap((entry) => entry.hits ?? []),
    preimages: entries.flatMap((entry) => entry.preimages ?? []),
    values: entries.flatMap((entry) => entry.values ?? []),
  };
}

function refusal(answer: CommitResult & { readonly ok: false }): Error {
  if (answer.reason !== 'missing-blob') return new RunLost(answer.message);
  // gc leaves the cache alone while a run is alive; this is a process that slept past its lease.
  return new RunPipelineError({
    kind: 'store',
    code: 'artifact-collected',
    message: `an artifact this run took from the cache was removed meanwhile (${answer.hash})`,
    help: 'Run the pipeline again.',
  });
}
