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
    this.#undo = afterExit((code, thrown) => {
      // The monitor would hear of it when this is over.
      if (thrown !== undefined) this.#monitor(thrown.error, 'uncaughtException');
      options.onExit(outcomeOf(code, uncaught));
    });
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

type Ended = (code: number, thrown?: { readonly error: unknown }) => void;

/**
 * Calls back when all listeners of `exit` have been called: what they print belongs to the task, and the
 * exit code that they set counts. A listener could not be the last one, whenever it was added. One that
 * throws, or calls `process.exit`, is the last to be called.
 */
function afterExit(callback: Ended): () => void {
  const original = process.emit;
  const emit = function (this: unknown, event: string, ...args: unknown[]): unknown {
    const emitted = (): unknown => Reflect.apply(original, this, [event, ...args]);
    return event === 'exit' ? endingWith(emitted, Number(args[0] ?? 0), callback) : emitted();
  };
  process.emit = emit as typeof process.emit;
  return () => {
    // Somebody may have wrapped it since.
    if (process.emit === (emit as typeof process.emit)) process.emit = original;
  };
}

function endingWith(emitted: () => unknown, code: number, callback: Ended): unknown {
  // What `process.exit` comes to, also within a listener.
  const leaving = process as unknown as { reallyExit: (code?: number) => void };
  const { reallyExit } = leaving;
  leaving.reallyExit = function (this: unknown, chosen) {
    callback(Number(chosen ?? code));
    return Reflect.apply(reallyExit, this, [chosen]);
  };
  try {
    const result = emitted();
    callback(Number(process.exitCode ?? code));
    return result;
  } catch (error) {
    // Node's own code then.
    callback(1, { error });
    throw error;
  } finally {
    leaving.reallyExit = reallyExit;
  }
}
