import { RunPipelineError, type RunEvent, type RunEventBody, type RunId } from '@run-pipeline/core/model';
import type { Commit, CommitResult, Store } from '@run-pipeline/core/ports';
import { deferred, type Deferred } from '../deferred.js';

/**
 * The one place from which a run's state is written. It gives events their sequence numbers, commits
 * them in order, and hands them to the outside only after the commit (INVARIANTS 9).
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
export class RunLost extends RunPipelineError {
  override readonly name = 'RunLost';

  constructor(message: string) {
    super({
      kind: 'run',
      code: 'taken-over',
      message,
      help: 'This process stopped what it had started; the run goes on there.',
    });
  }
}

export function createRunLog(options: {
  readonly store: Store;
  readonly run: RunId;
  readonly epoch: number;
  readonly lastSeq: number;
  readonly onEvent: (event: RunEvent) => void;
  readonly onLost: (error: Error) => void;
}): RunLog {
  const { store, run, epoch } = options;
  let lastSeq = options.lastSeq;
  let broken: Error | undefined;
  /** Settles when the entry before is durable and told: what goes outside keeps the order. */
  let last: Promise<void> = Promise.resolve();

  const number = (bodies: readonly RunEventBody[]): RunEvent[] => {
    const ts = new Date().toISOString();
    return bodies.map((body) => ({ v: 1, seq: ++lastSeq, ts, run, ...body }));
  };

  const written = async (
    before: Promise<void>,
    events: readonly RunEvent[],
    result: Promise<CommitResult>,
  ): Promise<void> => {
    await before;
    const answer = await result;
    if (!answer.ok) throw refusal(answer);
    for (const event of events) options.onEvent(event);
  };

  const commit = (entry: LogEntry): Promise<void> => {
    const events = number(entry.events);
    // Handed over at once: the store keeps the order, and what comes within a tick shares a transaction.
    const result = store.commit({ ...entry, run, epoch, events });
    result.catch(() => {}); // awaited by `written`, unless an earlier entry was refused
    last = written(last, events, result);
    last.catch(lose);
    return last;
  };

  /** Hits that wait to be committed together; nobody depends on when, only on the order. */
  let hits:
    | { readonly entries: LogEntry[]; readonly done: Deferred<void>; readonly timer: NodeJS.Timeout }
    | undefined;
  const commitHits = (): void => {
    if (hits === undefined) return;
    const { entries, done, timer } = hits;
    hits = undefined;
    clearTimeout(timer);
    commit(merged(entries)).then(done.resolve, done.reject);
  };
  const appendHit = (entry: LogEntry): Promise<void> => {
    if (hits === undefined) {
      const done = deferred<void>();
      done.promise.catch(() => {}); // `onLost` tells
      hits = { entries: [], done, timer: setTimeout(commitHits, HITS_WAIT_MS) };
    }
    const { done, entries } = hits;
    entries.push(entry);
    if (entries.length >= MOST_HITS) commitHits();
    return done.promise;
  };

  const lose = (error: Error): void => {
    if (broken !== undefined) return;
    broken = error;
    options.onLost(error);
  };

  return {
    append(entry) {
      if (broken !== undefined) return Promise.reject(broken);
      if (entry.hits !== undefined && entry.hits.length > 0) return appendHit(entry);
      commitHits();
      return commit(entry);
    },
    async flushed() {
      commitHits();
      await last;
    },
    get lastSeq() {
      return lastSeq;
    },
  };
}

/** A chain of hits would else be a chain of transactions, each waiting for the disk. */
const HITS_WAIT_MS = 10;
const MOST_HITS = 500;

const merged = (entries: readonly LogEntry[]): LogEntry => ({
  events: entries.flatMap((entry) => entry.events),
  hits: entries.flatMap((entry) => entry.hits ?? []),
  artifacts: entries.flatMap((entry) => entry.artifacts ?? []),
  preimages: entries.flatMap((entry) => entry.preimages ?? []),
  values: entries.flatMap((entry) => entry.values ?? []),
});

function refusal(answer: CommitResult & { readonly ok: false }): Error {
  if (answer.reason !== 'missing-blob') return new RunLost(answer.message);
  // gc leaves what a living run uses alone; this is a process that slept past its lease.
  return new RunPipelineError({
    kind: 'store',
    code: 'artifact-collected',
    message: `an artifact this run took from the cache was removed meanwhile (${answer.hash})`,
    help: 'Run the pipeline again.',
  });
}
