import { getEventListeners } from 'node:events';
import { writeSync } from 'node:fs';
import { RunPipelineError, type TaskId } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import { setProjectRelay } from '../project/relay.js';
import { stepAbortReason } from './abort-cause.js';
import type * as Executor from './execute-task.js';
import { LeftoverDetector } from './leftovers.js';
import type { AbortCause, FromWorker, ReportMessage, ServiceAnswer, TaskRequest } from './protocol.js';
import type { TaskContext } from './task-context.js';
import { processExit, Uncaught } from './uncaught.js';
import { WorkerRelay } from './worker-relay.js';

/** Reports are sent in bundles, but one that has waited this long is sent at once, also from a busy loop. */
const LONGEST_WAIT_MS = 50;
const LARGEST_BUNDLE = 512;

async function loadExecutor(): Promise<typeof Executor> {
  const [executor, { setRunHost }] = await Promise.all([
    import('./execute-task.js'),
    import('@run-pipeline/core/define'),
  ]);
  setRunHost({
    run: () =>
      Promise.reject(
        new RunPipelineError({
          kind: 'usage',
          code: 'run-in-step',
          message: 'a step cannot run a pipeline',
          help: 'start it in a program of its own, or make its steps part of this pipeline',
        }),
      ),
  });
  return executor;
}

interface RunningTask {
  readonly request: TaskRequest;
  readonly abort: AbortController;
  readonly interrupt: (reason: unknown) => void;
  /** Something went wrong outside of the step's own promise. */
  uncaught: Uncaught | undefined;
  readonly reports: ReportBundle;
  context: TaskContext | undefined;
  /** Of a script whose module has been evaluated: nothing is left that it does. */
  idle: (() => void) | undefined;
}

/** Executes tasks in a worker process, one at a time, and notices everything that happens beside them. */
export class TaskHost {
  readonly #send: (message: FromWorker) => void;
  readonly #hold: () => void;
  readonly #release: () => void;
  readonly #leftovers = new LeftoverDetector();
  readonly #relay: WorkerRelay;
  readonly #write = { stdout: process.stdout.write, stderr: process.stderr.write };
  #executor: typeof Executor | undefined;
  #task: RunningTask | undefined;
  #evaluations = 0;
  /** A step has ended stdout or stderr: Node makes the stream look open again, but the next task could not print. */
  #outputEnded = false;

  constructor(options: { send: (message: FromWorker) => void; hold: () => void; release: () => void }) {
    this.#send = options.send;
    this.#hold = options.hold;
    this.#release = options.release;
    this.#relay = new WorkerRelay({ ...options, task: () => this.#task?.request.task });
    setProjectRelay(this.#relay);
    process.on('uncaughtException', (error, origin) => this.#uncaught(error, origin));
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('finish', () => (this.#outputEnded = true));
      stream.on('close', () => (this.#outputEnded = true));
    }
    process.on('beforeExit', () => this.#nothingLeft());
    process.on('exit', (code) => this.#exiting(code));
  }

  ready(): void {
    this.#send({ type: 'ready', pid: process.pid, rss: process.memoryUsage.rss() });
    // Loaded while nobody waits, not with the first task.
    void Promise.all([loadExecutor(), import('../artifacts/index.js')]).catch(() => undefined);
  }

  abort(task: TaskId, reason: AbortCause): void {
    const running = this.#task;
    if (running?.request.task === task) running.abort.abort(stepAbortReason(reason, running.request.timeout));
  }

  answer(id: number, answer: ServiceAnswer): void {
    this.#relay.answer(id, answer);
  }

  changed(): void {
    this.#relay.changed();
  }

  async run(request: TaskRequest, mark: string): Promise<void> {
    try {
      await this.#run(request, mark);
    } catch (error) {
      // A fault of ours must not leave the controller waiting.
      this.#relay.end();
      this.#task = undefined;
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      const trace = stack === undefined ? {} : { trace: stack };
      this.#send({
        type: 'done',
        task: request.task,
        outcome: {
          status: 'failed',
          error: { name, code: 'worker-fault', message: `the worker failed: ${message}`, ...trace },
        },
        rss: process.memoryUsage.rss(),
        leftovers: ['a fault'],
      });
    }
  }

  async #run(request: TaskRequest, mark: string): Promise<void> {
    let interrupt!: (reason: unknown) => void;
    const interrupted = new Promise<never>((_, reject) => (interrupt = reject));
    interrupted.catch(() => undefined);
    const reports = new ReportBundle((bundle) =>
      this.#send({ type: 'reports', task: request.task, reports: bundle }),
    );
    const task: RunningTask = {
      request,
      abort: new AbortController(),
      interrupt,
      uncaught: undefined,
      reports,
      context: undefined,
      idle: undefined,
    };
    // Before anything is awaited: an abort may follow the request at once.
    this.#task = task;
    const { signal } = task.abort;
    const executor = (this.#executor ??= await loadExecutor());

    this.#release();
    let leftovers = this.#leftovers.watch({ globals: false });
    let outcome = await executor.executeTask({
      request,
      signal,
      evaluation: (this.#evaluations += 1),
      messages: {
        send: (report) => reports.add(report),
        edit: (edit) => this.#send({ type: 'edit', task: request.task, edit }),
        artifact: (artifact) => this.#send({ type: 'artifact', task: request.task, artifact }),
      },
      onContext: (context) => (task.context = context),
      untilIdle: () => new Promise((resolve) => (task.idle = resolve)),
      onLoaded: () => (leftovers = this.#leftovers.watch({ globals: true })),
      // The next task replaces it.
      restoreEnv: false,
      interrupted,
    });
    // A rejection that nobody handles is told one turn later; it fails the task, as it would end a program.
    await new Promise((resolve) => setImmediate(resolve));
    if (task.uncaught !== undefined && outcome.status === 'completed') {
      outcome = executor.unsuccessful(task.uncaught, { request, signal });
    }
    reports.flush();
    this.#relay.end();
    const left = [...(await leftovers())];
    this.#hold();

    crashPoint('before-done');
    this.#task = undefined;
    this.#mark('stdout', mark);
    this.#mark('stderr', mark);
    if (task.uncaught !== undefined) left.push(task.uncaught.code);
    if (this.#outputEnded) left.push('ended output');
    this.#send({
      type: 'done',
      task: request.task,
      outcome,
      rss: process.memoryUsage.rss(),
      leftovers: left,
    });
  }

  #uncaught(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    const task = this.#task;
    // Left over from a task that has ended: nobody may use this process any more.
    if (task === undefined) process.exit(1);
    // The step has a handler of its own, as a program may.
    if (process.listenerCount('uncaughtException') > 1) return;
    task.uncaught = new Uncaught(origin, error);
    task.interrupt(task.uncaught);
  }

  /** The event loop is empty, but the step has not settled: it never will, so it must not hang. */
  #nothingLeft(): void {
    const task = this.#task;
    if (task === undefined) return;
    if (task.idle !== undefined) {
      const end = (): void => {
        this.#hold();
        task.idle?.();
      };
      if (process.listenerCount('beforeExit') === 1) end();
      else {
        // The script has listeners of its own: they are called after this one, and may start something.
        const resting = process.getActiveResourcesInfo().length;
        process.nextTick(() => {
          if (process.getActiveResourcesInfo().length <= resting) end();
        });
      }
      return;
    }
    // A step may wait for its abort, which comes from outside.
    if (getEventListeners(task.abort.signal, 'abort').length > 0) {
      this.#hold();
      return;
    }
    task.interrupt(
      new RunPipelineError({
        kind: 'run',
        code: 'never-settled',
        message: `the ${task.request.entry.kind === 'script' ? 'script' : 'step'} waits for a promise that can never settle: nothing is left that could resolve it`,
        help: 'look for a promise whose resolve or reject is not called, or a callback that is never used',
      }),
    );
    this.#hold();
  }

  /** `process.exit()` in a step: the last moment to say where. */
  #exiting(code: number): void {
    const task = this.#task;
    if (task === undefined) return;
    const { request, context } = task;
    const isScript = request.entry.kind === 'script';
    task.reports.flush();
    if (isScript && code === 0 && task.uncaught === undefined) {
      const lost = context?.work.unfinished ?? 0;
      if (lost > 0) {
        writeSync(
          2,
          `run-pipeline: process.exit() was called while ${lost} upload${lost === 1 ? ' or report was' : 's or reports were'} still being stored; await them first\n`,
        );
      }
      const uncacheable = context?.uncacheable;
      this.#send({
        type: 'exiting',
        task: request.task,
        ...(uncacheable !== undefined && { uncacheable }),
      });
      return;
    }
    const { signal } = new AbortController();
    const thrown = task.uncaught ?? processExit(code, isScript ? 'script' : 'step');
    const outcome = this.#executor?.unsuccessful(thrown, { request, signal });
    if (outcome?.status === 'failed')
      this.#send({ type: 'exiting', task: request.task, error: outcome.error });
  }

  /** After everything that was printed before, also when the step has replaced or ended the stream. */
  #mark(name: 'stdout' | 'stderr', mark: string): void {
    const stream = process[name];
    while (stream.writableCorked > 0) stream.uncork();
    if (!stream.writableEnded && !stream.destroyed) {
      Reflect.apply(this.#write[name], stream, [mark]);
      return;
    }
    try {
      writeSync(name === 'stdout' ? 1 : 2, mark);
    } catch {
      // The step closed the descriptor: the pool stops waiting and does not use this process again.
    }
  }
}

class ReportBundle {
  readonly #send: (bundle: readonly ReportMessage[]) => void;
  #waiting: ReportMessage[] = [];
  #sentAt = -Infinity;
  #scheduled = false;

  constructor(send: (bundle: readonly ReportMessage[]) => void) {
    this.#send = send;
  }

  add(report: ReportMessage): void {
    this.#waiting.push(report);
    const late = performance.now() - this.#sentAt > LONGEST_WAIT_MS;
    if (late || this.#waiting.length >= LARGEST_BUNDLE) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#send(this.#waiting);
    this.#waiting = [];
    this.#sentAt = performance.now();
  }
}
