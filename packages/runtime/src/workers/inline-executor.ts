import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { StringDecoder } from 'node:string_decoder';
import type { Report, StoredArtifact, TaskEdit } from '@run-pipeline/core/model';
import { processIdentity } from '../project/process-identity.js';
import { setProjectRelay } from '../project/relay.js';
import { abortCause, stepAbortReason } from './abort-cause.js';
import { abortedOutcome } from './lost-worker.js';
import { maskArtifact, maskOutcome, maskReport } from './mask-outcome.js';
import { createMasker, type Masker } from './mask.js';
import type { ReportMessage, TaskOutcome } from './protocol.js';
import { processExit, Uncaught } from './uncaught.js';
import { collectReports, type TaskRun, type WorkerIdentity } from './worker-process.js';

/**
 * What runs inside of an inline task, by its task. One for the process: every further AsyncLocalStorage
 * would make each promise of the controller a little more expensive, for ever.
 */
const SCOPE = new AsyncLocalStorage<object>();

/**
 * Executes steps in the controller's own process, one at a time, so that breakpoints work. Values are
 * encoded and decoded as in a worker. What needs a process of its own is missing: a busy loop cannot be
 * aborted, output of native code and of child processes goes to the terminal, a native crash ends the run.
 */
export class InlineExecutor {
  #last: Promise<unknown> = Promise.resolve();
  #evaluations = 0;

  identity(): WorkerIdentity {
    const { pid, startTime } = processIdentity();
    // The controller's group is not this task's: it must not be killed for it.
    return { pid, startTime, processGroup: undefined };
  }

  /** Waits for its turn. */
  run(run: TaskRun & { readonly onStart: () => Promise<void> }): Promise<TaskOutcome> {
    const turn = this.#last.then(() => this.#execute(run));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #execute(run: TaskRun & { readonly onStart: () => Promise<void> }): Promise<TaskOutcome> {
    const { request, signal, graceMs } = run;
    if (signal.aborted) return { status: 'aborted', reason: abortCause(signal) };
    await run.onStart();
    if (signal.aborted) return { status: 'aborted', reason: abortCause(signal) };

    const { executeTask } = await import('./execute-task.js');
    const masker = createMasker(request.secrets);
    const reports: ReportMessage[] = [];
    // Our own callers must not run inside the task's context, or what they print would be the task's.
    const onReport = AsyncResource.bind((report: Report, inline: Uint8Array | undefined) =>
      run.onReport(report, inline),
    );
    const onEdit = AsyncResource.bind((edit: TaskEdit) => run.onEdit?.(edit));
    const onArtifact = AsyncResource.bind((artifact: StoredArtifact) =>
      run.onArtifact?.(maskArtifact(artifact, masker)),
    );
    const abort = new AbortController();
    let interrupt!: (reason: unknown) => void;
    const interrupted = new Promise<never>((_, reject) => (interrupt = reject));
    interrupted.catch(() => undefined);

    const relay = setProjectRelay(run.service);
    const capture = captureProcess({ masker, onLog: AsyncResource.bind(run.onLog), interrupt });
    const given = giveUpAfter(signal, graceMs, (cause) => {
      // What the step prints when it is told is still its own.
      capture.inside(() => abort.abort(stepAbortReason(cause, request.timeout)));
    });
    try {
      const executed = capture.inside(() =>
        executeTask({
          request,
          signal: abort.signal,
          evaluation: (this.#evaluations += 1),
          messages: {
            send: (message) => {
              const report = maskReport(message.report, masker);
              reports.push({ ...message, report });
              onReport(report, message.inline);
            },
            edit: onEdit,
            artifact: onArtifact,
          },
          interrupted,
          restoreEnv: true,
        }),
      );
      const outcome = await Promise.race([executed, given.up]);
      if (outcome !== 'given up') {
        // As in a worker: an unhandled rejection is told one turn later.
        await new Promise((resolve) => setImmediate(resolve));
        const failed =
          outcome.status === 'completed' ? await capture.failure(request, abort.signal) : undefined;
        return maskOutcome(failed ?? complete(outcome, reports), masker);
      }
      // It cannot be killed here; what it still does, it does without the task's console and environment.
      interrupt(abort.signal.reason);
      await executed;
      return abortedOutcome(abortCause(signal), { timeout: request.timeout, graceMs });
    } finally {
      given.stop();
      setProjectRelay(relay);
      await capture.end();
    }
  }
}

function complete(outcome: TaskOutcome, reports: readonly ReportMessage[]): TaskOutcome {
  return outcome.status === 'completed' ? { ...outcome, ...collectReports(reports) } : outcome;
}

/** Passes the abort on, and gives the step up when it goes on for longer than the grace period. */
function giveUpAfter(
  signal: AbortSignal,
  graceMs: number,
  abort: (cause: ReturnType<typeof abortCause>) => void,
): { readonly up: Promise<'given up'>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort!: () => void;
  const up = new Promise<'given up'>((resolve) => {
    onAbort = () => {
      abort(abortCause(signal));
      timer = setTimeout(() => resolve('given up'), graceMs);
    };
  });
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    up,
    stop() {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}

interface Capture {
  /** Runs the task: what it prints from here on, and how it tries to end the process, is its own. */
  inside<T>(work: () => T): T;
  /** The outcome of an error that did not come through the step's promise, if there was one. */
  failure(request: TaskRun['request'], signal: AbortSignal): Promise<TaskOutcome | undefined>;
  end(): Promise<void>;
}

function captureProcess(options: {
  readonly masker: Masker;
  readonly onLog: TaskRun['onLog'];
  readonly interrupt: (reason: unknown) => void;
}): Capture {
  const scope = {};
  let uncaught: Uncaught | undefined;
  const streams = (['stdout', 'stderr'] as const).map((name) => captureStream(name, scope, options));

  const exit = process.exit;
  process.exit = ((code?: number) => {
    if (SCOPE.getStore() !== scope) exit(code);
    const error = processExit(code ?? process.exitCode ?? 0);
    options.interrupt(error);
    throw error;
  }) as typeof process.exit;

  const onUncaught = (error: Error, origin: NodeJS.UncaughtExceptionOrigin): void => {
    uncaught = new Uncaught(origin, error);
    options.interrupt(uncaught);
  };
  // Others would end the run for it. A rejection that nobody handles comes here, too, when none listens.
  const restore = ERRORS.map((event) => replaceListeners(event));
  process.on('uncaughtException', onUncaught);

  return {
    inside: (work) => SCOPE.run(scope, work),
    async failure(request, signal) {
      if (uncaught === undefined) return undefined;
      const { unsuccessful } = await import('./execute-task.js');
      return unsuccessful(uncaught, { request, signal });
    },
    async end() {
      process.off('uncaughtException', onUncaught);
      for (const put of restore) put();
      process.exit = exit;
      await Promise.all(streams.map((stream) => stream.end()));
    },
  };
}

const ERRORS = ['uncaughtException', 'unhandledRejection'] as const;

/** Takes the listeners away; returns how to put them back. */
function replaceListeners(event: (typeof ERRORS)[number]): () => void {
  const listeners = process.rawListeners(event) as ((...args: unknown[]) => void)[];
  process.removeAllListeners(event);
  return () => {
    for (const listener of listeners) process.on(event as string, listener);
  };
}

function captureStream(
  name: 'stdout' | 'stderr',
  scope: object,
  options: { readonly masker: Masker; readonly onLog: TaskRun['onLog'] },
): { end(): Promise<void> } {
  const stream = process[name];
  const write = stream.write;
  const decoder = new StringDecoder('utf8');
  const mask = options.masker.stream();
  let waiting: Promise<unknown> = Promise.resolve();
  const emit = (text: string): void => {
    if (text === '') return;
    // In the step's own call: what the sink throws is not the step's error, it is told at the end.
    const sent = (async () => options.onLog({ stream: name, text }))();
    waiting = Promise.all([waiting, sent]);
    waiting.catch(() => undefined);
  };

  const captured = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean => {
    if (SCOPE.getStore() !== scope)
      return Reflect.apply(write, stream, [chunk, encoding, callback]) as boolean;
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8')
        : chunk;
    emit(mask.push(decoder.write(Buffer.from(bytes))));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  stream.write = captured as typeof stream.write;

  return {
    async end() {
      stream.write = write;
      emit(mask.push(decoder.end()) + mask.end());
      await waiting;
    },
  };
}
