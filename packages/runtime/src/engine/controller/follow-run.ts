import type { RunEvent, RunId, TaskId } from '@run-pipeline/core/model';
import type { RunRow, Store, TaskOutputRow } from '@run-pipeline/core/ports';
import { isAlive } from '../../project/process-identity.js';
import type { RunResult } from '../api.js';
import { QueueStates } from '../../queue/index.js';
import { endedResult } from '../run/end-run.js';

/** Events and lines read at once: a long run is told as it is read, never held whole. */
const PAGE = 1000;
/** How often is looked whether those that should change something still live; what they write wakes at once. */
const LIVENESS_MS = 1000;
/** How long the last lines of a controller are waited for after its run has ended. */
const LAST_LINES_MS = 2000;

export interface FollowRequest {
  readonly store: Store;
  readonly run: RunId;
  /** Only events with a greater sequence number. Default: from the beginning. */
  readonly afterSeq?: number;
  /** Every event after it was committed, in order. */
  readonly onEvent: (event: RunEvent) => void;
  /** What code of the pipeline prints in the process of the controller, on its agent. */
  readonly onOutput?: (chunk: { readonly stream: 'stdout' | 'stderr'; readonly text: string }) => void;
  /** Ends the following; nothing happens to the run. */
  readonly signal: AbortSignal;
  /**
   * What it is to come back for while the run waits: that it was taken out of its queue; or that, or that no agent
   * serves the queue. Default: it waits with the run, whatever happens.
   */
  readonly until?: 'withdrawn' | 'unserved';
  /** It waits in a queue that no agent serves; once, until some agent has served it in between. */
  readonly onUnserved?: (queue: string) => void;
  /** It waits in a queue that is paused; once, until that has gone on in between. */
  readonly onPaused?: (queue: string) => void;
}

export type Followed =
  | { readonly type: 'ended'; readonly result: RunResult }
  | { readonly type: 'detached'; readonly lastSeq: number }
  /** It waits for nobody: no agent serves the queue, or it was taken out of it. */
  | {
      readonly type: 'unserved';
      readonly queue: string;
      readonly withdrawn: boolean;
      readonly lastSeq: number;
    }
  /** Nobody will continue it by itself: its process is gone, or its controller ended while it waited. */
  | { readonly type: 'lost'; readonly row: RunRow; readonly lastSeq: number }
  | { readonly type: 'removed' };

/**
 * Tells what a run does that another process drives: its events as they are committed. Any number of
 * processes may follow one run, from any point. It is woken by commits and polls nothing.
 */
export async function followRun(request: FollowRequest): Promise<Followed> {
  const { store, run, signal } = request;
  const reader = new RunReader(request);
  const standstill = new Standstill(request);
  let wake: () => void = () => {};
  let woken = true;
  const onWake = (): void => {
    woken = true;
    wake();
  };
  const unwatch = store.watch(onWake);
  const timer = setInterval(onWake, LIVENESS_MS);
  signal.addEventListener('abort', onWake, { once: true });
  try {
    for (;;) {
      if (!woken) await new Promise<void>((resolve) => (wake = resolve));
      woken = false;
      if (signal.aborted) return { type: 'detached', lastSeq: reader.lastSeq };
      // The row first: what was committed before it said `ended` is then certainly read.
      const row = await store.getRun(run);
      if (row === undefined) return { type: 'removed' };
      await reader.read();
      const result = await endedResult(store, row);
      if (result !== undefined) {
        await reader.readLast();
        return { type: 'ended', result };
      }
      const other = await standstill.look(row);
      if (other === 'lost') return { type: 'lost', row, lastSeq: reader.lastSeq };
      if (other !== undefined) return { type: 'unserved', ...other, lastSeq: reader.lastSeq };
    }
  } finally {
    unwatch();
    clearInterval(timer);
    signal.removeEventListener('abort', onWake);
  }
}

/** Whether nobody drives the run, and nobody will. */
class Standstill {
  readonly #request: FollowRequest;
  #toldUnserved = false;
  #toldPaused = false;
  #lookedAt = -Infinity;

  constructor(request: FollowRequest) {
    this.#request = request;
  }

  async look(
    row: RunRow,
  ): Promise<'lost' | { readonly queue: string; readonly withdrawn: boolean } | undefined> {
    const { store, until, onUnserved } = this.#request;
    const life = row.queued === true ? undefined : isAlive(row.owner);
    const gone = life === 'dead' || (life === 'unknown' && row.leaseExpired);
    if (row.queued !== true && !gone) return undefined;
    if (until !== undefined) await store.recoverTasks();
    const record = await store.readTask(row.id as string as TaskId);
    // While an agent is taken to have it, or it waits for one, somebody continues the run.
    if (record?.status === 'running') return undefined;
    if (record?.status !== 'created' && record?.status !== 'queued') return 'lost';
    const { queue, status } = record;
    if (until === undefined || queue === undefined) return undefined;
    if (status === 'created') return { queue, withdrawn: true };
    const served = (await store.listAgents({ queue })).length > 0;
    if (!served && until === 'unserved') return { queue, withdrawn: false };
    if (!served && !this.#toldUnserved) onUnserved?.(queue);
    this.#toldUnserved = !served;
    await this.#lookForPause(queue);
    return undefined;
  }

  /** All queues are counted for it: not with every commit of others. */
  async #lookForPause(queue: string): Promise<void> {
    const { store, onPaused } = this.#request;
    if (onPaused === undefined || performance.now() - this.#lookedAt < LIVENESS_MS) return;
    this.#lookedAt = performance.now();
    const { paused } = (await QueueStates.read(store)).of(queue, {});
    if (paused && !this.#toldPaused) onPaused(queue);
    this.#toldPaused = paused;
  }
}

/** Reads on where it stopped. */
class RunReader {
  readonly #request: FollowRequest;
  readonly #task: TaskId;
  lastSeq: number;
  #attempt = 0;
  #lastLine = -1;

  constructor(request: FollowRequest) {
    this.#request = request;
    this.#task = request.run as string as TaskId;
    this.lastSeq = request.afterSeq ?? -1;
  }

  /** Events and lines in the order in which they came, so that what a callback prints follows its reason. */
  async read(): Promise<void> {
    const [lines, events] = [this.#lines(), this.#events()];
    let line = await lines.next();
    let event = await events.next();
    for (;;) {
      if (event.done !== true && (line.done === true || event.value.ts <= line.value.ts)) {
        this.lastSeq = event.value.seq;
        this.#request.onEvent(event.value);
        event = await events.next();
      } else if (line.done !== true) {
        this.#tell(line.value);
        line = await lines.next();
      } else return;
    }
  }

  /** Until the agent has said that the controller has ended, or for a moment. */
  async readLast(): Promise<void> {
    const { store, onOutput } = this.#request;
    if (onOutput === undefined) return;
    const ended = async (): Promise<boolean> => {
      const status = (await store.readTask(this.#task))?.status;
      for await (const line of this.#lines()) this.#tell(line);
      return status !== 'running';
    };
    const deadline = performance.now() + LAST_LINES_MS;
    while (!(await ended()) && performance.now() < deadline) await nextCommit(store, 100);
  }

  async *#events(): AsyncGenerator<RunEvent, void> {
    const { store, run } = this.#request;
    for (let afterSeq = this.lastSeq; ;) {
      const events = await store.readEvents(run, { afterSeq, limit: PAGE });
      yield* events;
      const last = events.at(-1);
      if (last === undefined || events.length < PAGE) return;
      afterSeq = last.seq;
    }
  }

  async *#lines(): AsyncGenerator<TaskOutputRow, void> {
    const { store, onOutput } = this.#request;
    if (onOutput === undefined) return;
    const attempt = (await store.readTask(this.#task))?.attempt ?? 0;
    for (; this.#attempt <= attempt; this.#next()) {
      for (;;) {
        const rows = await store.readTaskOutput(this.#task, {
          attempt: this.#attempt,
          afterSeq: this.#lastLine,
          limit: PAGE,
        });
        for (const row of rows) {
          this.#lastLine = row.seq;
          yield row;
        }
        if (rows.length < PAGE) break;
      }
      if (this.#attempt === attempt) return;
    }
  }

  #tell(row: TaskOutputRow): void {
    if (row.kind === 'log') this.#request.onOutput?.(row);
  }

  #next(): void {
    this.#attempt += 1;
    this.#lastLine = -1;
  }
}

function nextCommit(store: Store, atMostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      unwatch();
      resolve();
    };
    const timer = setTimeout(done, atMostMs);
    const unwatch = store.watch(done);
  });
}
