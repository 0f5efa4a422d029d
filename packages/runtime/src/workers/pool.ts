import { fileURLToPath } from 'node:url';
import { abortCause } from './abort-cause.js';
import { InlineExecutor } from './inline-executor.js';
import type { TaskOutcome, WorkerPool } from './protocol.js';
import { Watchdog } from './watchdog.js';
import { WorkerProcess } from './worker-process.js';

export interface WorkerPoolOptions {
  /** The built entry of a worker (`dist/worker.js`). */
  readonly workerFile: string;
  /** Processes at once. */
  readonly size: number;
  /** A worker that has grown or loaded this much is replaced: ES modules are never unloaded. */
  readonly recycle: {
    readonly rssGrowthBytes: number;
    readonly loadedBytes: number;
    /** Tasks; default: no limit. */
    readonly tasks?: number;
  };
  /** Milliseconds from the abort of a task to SIGKILL of its process group. */
  readonly graceMs: number;
  /** Variables that a worker does not even start with: what a task declares of them comes with its request. */
  readonly withheld?: readonly string[];
}

/** What a long run of small steps does not notice, and a leak does not outgrow. */
export const RECYCLE = { rssGrowthBytes: 512 * 1024 * 1024, loadedBytes: 64 * 1024 * 1024 } as const;

/** The worker entry of this installation. */
export const installedWorkerFile = (): string => fileURLToPath(new URL('./worker.js', import.meta.url));

/**
 * Warm child processes that execute tasks. A worker is reused only for tasks of the same dependency
 * closure, and only while the task before left nothing behind (INVARIANTS 7); a crash costs one task.
 */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  return new Pool(options);
}

type ExecuteOptions = Parameters<WorkerPool['execute']>[0];

class Pool implements WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #watchdog = new Watchdog();
  readonly #inline = new InlineExecutor();
  /** Least recently used first. */
  readonly #idle: WorkerProcess[] = [];
  readonly #workers = new Set<WorkerProcess>();
  /** Tasks that wait for a place. */
  readonly #waiting: (() => void)[] = [];
  /** What runs or waits, and how to abort it. */
  readonly #running = new Map<Promise<unknown>, AbortController>();
  #closed = false;
  /** As it was at the start: an inline step replaces it for its own time. */
  readonly #env: NodeJS.ProcessEnv;
  #busy = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const { withheld = [] } = options;
    this.#env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !withheld.includes(name)));
  }

  execute(options: ExecuteOptions): Promise<TaskOutcome> {
    if (this.#closed) return Promise.reject(new Error('the worker pool is closed'));
    // Not AbortSignal.any: a signal that lives as long as the pool would collect an entry for every task.
    const abort = new AbortController();
    const forward = (): void => abort.abort(options.signal.reason);
    if (options.signal.aborted) forward();
    else options.signal.addEventListener('abort', forward, { once: true });

    const { signal } = abort;
    const execution =
      options.isolation === 'inline' ? this.#executeInline(options, signal) : this.#execute(options, signal);
    const ended = execution.finally(() => {
      options.signal.removeEventListener('abort', forward);
      this.#running.delete(ended);
    });
    this.#running.set(ended, abort);
    return ended;
  }

  warm(count: number): void {
    while (this.#workers.size < Math.min(count, this.#options.size)) this.#idle.unshift(this.#spawn());
  }

  async close({ atOnce }: { readonly atOnce: boolean } = { atOnce: false }): Promise<void> {
    this.#closed = true;
    if (atOnce) for (const worker of this.#workers) worker.kill();
    for (const abort of this.#running.values()) abort.abort({ reason: 'shutdown' });
    await Promise.allSettled(this.#running.keys());
    const exits = [...this.#workers].map((worker) => {
      worker.kill();
      return worker.exited;
    });
    await Promise.all(exits);
    this.#watchdog.close();
  }

  #executeInline(options: ExecuteOptions, signal: AbortSignal): Promise<TaskOutcome> {
    return this.#inline.run({
      ...options,
      signal,
      graceMs: this.#options.graceMs,
      onStart: () => options.onStart(this.#inline.identity()),
    });
  }

  async #execute(options: ExecuteOptions, signal: AbortSignal): Promise<TaskOutcome> {
    const { request, closureKey, service, onLog, onReport, onEdit, onArtifact } = options;
    const alone = options.isolation === 'fresh' || options.ownWorker;
    if (!(await this.#enter(signal))) return { status: 'aborted', reason: abortCause(signal) };
    let worker: WorkerProcess | undefined;
    try {
      worker = this.#take(alone ? undefined : closureKey);
      await options.onStart(worker.identity());
      if (signal.aborted) return { status: 'aborted', reason: abortCause(signal) };
      const { graceMs } = this.#options;
      return await worker.run({ request, signal, graceMs, service, onLog, onReport, onEdit, onArtifact });
    } finally {
      if (worker !== undefined) this.#putBack(worker, alone);
      this.#leave();
    }
  }

  /** Waits until fewer than `size` tasks run; `false` when the signal was first. */
  async #enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#busy < this.#options.size) {
      this.#busy += 1;
      return true;
    }
    return new Promise((resolve) => {
      const onTurn = (): void => {
        signal.removeEventListener('abort', onAbort);
        // The place is handed over: `busy` stays.
        resolve(true);
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(onTurn), 1);
        resolve(false);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(onTurn);
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }

  /** `key` undefined: a pristine worker, for one task. */
  #take(key: string | undefined): WorkerProcess {
    const worker = this.#takeIdle(key) ?? this.#make();
    worker.key ??= key;
    return worker;
  }

  #takeIdle(key: string | undefined): WorkerProcess | undefined {
    // The most recently used one: its code is warm, and the others may rest.
    const same =
      key === undefined ? -1 : this.#idle.findLastIndex((worker) => worker.key === key && worker.alive);
    const index =
      same === -1 ? this.#idle.findLastIndex((worker) => worker.key === undefined && worker.alive) : same;
    return index === -1 ? undefined : this.#idle.splice(index, 1)[0];
  }

  #make(): WorkerProcess {
    // An idle worker of another closure makes room.
    if (this.#workers.size >= this.#options.size) {
      const evicted = this.#idle.shift();
      if (evicted !== undefined) this.#retire(evicted);
    }
    return this.#spawn();
  }

  #putBack(worker: WorkerProcess, alone: boolean): void {
    const { rssGrowthBytes, loadedBytes, tasks = Infinity } = this.#options.recycle;
    const used = worker.tasks > 0;
    const spent = worker.growth > rssGrowthBytes || worker.loadedBytes > loadedBytes || worker.tasks >= tasks;
    if ((alone && used) || spent || !worker.reusable || this.#closed) this.#retire(worker);
    else this.#idle.push(worker);
  }

  #spawn(): WorkerProcess {
    const worker = new WorkerProcess({
      workerFile: this.#options.workerFile,
      watchdog: this.#watchdog,
      env: this.#env,
    });
    this.#workers.add(worker);
    void worker.exited.then(() => {
      this.#workers.delete(worker);
      const index = this.#idle.indexOf(worker);
      if (index !== -1) this.#idle.splice(index, 1);
    });
    return worker;
  }

  /** Nothing of it is needed any more: killed at once, so its place is free without waiting. */
  #retire(worker: WorkerProcess): void {
    worker.kill();
    this.#workers.delete(worker);
  }
}
