import type { ErrorRecord } from '@run-pipeline/core/model';

export interface ScriptOutcome {
  readonly status: 'completed' | 'failed' | 'aborted';
  readonly error?: ErrorRecord;
}

/** What a shell calls the end by a signal, and what handlers of signals exit with: 128 and its number. */
const BY_SIGNAL: ReadonlyMap<number, string> = new Map([
  [129, 'SIGHUP'],
  [130, 'SIGINT'],
  [131, 'SIGQUIT'],
  [143, 'SIGTERM'],
]);

/**
 * Notices the end of this process, after everything else that happens there, and how it came to that. It
 * changes nothing about it: neither the exit code nor what an uncaught error does.
 */
export class ScriptEnd {
  readonly #monitor: (error: unknown, origin: NodeJS.UncaughtExceptionOrigin) => void;
  readonly #undo: () => void;

  constructor(options: {
    readonly errorRecord: (thrown: unknown) => ErrorRecord;
    /** Node is about to print it, past `process.stderr`. */
    readonly onFatal: (error: unknown) => void;
    readonly onExit: (outcome: ScriptOutcome) => void;
  }) {
    let uncaught: ErrorRecord | undefined;
    this.#monitor = (error, origin) => {
      const record = options.errorRecord(error);
      const code = origin === 'unhandledRejection' ? 'unhandled-rejection' : 'uncaught-exception';
      uncaught = { ...record, code: record.code ?? code };
      // With a handler of its own the program may go on.
      const isFatal =
        process.listenerCount('uncaughtException') === 0 && !process.hasUncaughtExceptionCaptureCallback();
      if (isFatal) options.onFatal(error);
    };
    process.on('uncaughtExceptionMonitor', this.#monitor);
    this.#undo = afterExit((code) => options.onExit(outcomeOf(code, uncaught)));
  }

  forget(): void {
    process.off('uncaughtExceptionMonitor', this.#monitor);
    this.#undo();
  }
}

function outcomeOf(code: number, uncaught: ErrorRecord | undefined): ScriptOutcome {
  if (code === 0) return { status: 'completed' };
  const signal = BY_SIGNAL.get(code);
  if (signal !== undefined) {
    return {
      status: 'aborted',
      error: { name: 'TaskAborted', code: 'aborted', message: `ended by ${signal} (exit code ${code})` },
    };
  }
  // Node's own code after an uncaught error; a handler may have chosen another one.
  if (uncaught !== undefined && code === 1) return { status: 'failed', error: uncaught };
  return {
    status: 'failed',
    error: {
      name: 'ProcessExit',
      code: 'process-exit',
      message:
        code === 13
          ? 'the script waits at its top level for a promise that can never settle (exit code 13)'
          : `the script ended with exit code ${code}`,
      ...(uncaught !== undefined && { cause: uncaught }),
    },
  };
}

/**
 * Calls back when all listeners of `exit` have been called: what they print belongs to the task, and the
 * exit code that they set counts. A listener could not be the last one, whenever it was added.
 */
function afterExit(callback: (code: number) => void): () => void {
  const original = process.emit;
  const emit = function (this: unknown, event: string, ...args: unknown[]): unknown {
    if (event !== 'exit') return Reflect.apply(original, this, [event, ...args]);
    try {
      return Reflect.apply(original, this, [event, ...args]);
    } finally {
      callback(Number(process.exitCode ?? args[0] ?? 0));
    }
  };
  process.emit = emit as typeof process.emit;
  return () => {
    // Somebody may have wrapped it since.
    if (process.emit === (emit as typeof process.emit)) process.emit = original;
  };
}
