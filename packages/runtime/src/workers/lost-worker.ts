import type { ErrorRecord } from '@run-pipeline/core/model';
import { abortCode, abortMessage } from './abort-cause.js';
import type { AbortCause, TaskOutcome } from './protocol.js';

/** How a process ended; `error` when it could not be started at all. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** Says what became of a worker that ended before it answered: it costs this one task. */
export function describeLoss(loss: {
  readonly exit: Exit;
  /** The last lines it wrote. */
  readonly stderr: string;
  /** Where the step called `process.exit()`, when it did and could still tell. */
  readonly exiting: ErrorRecord | undefined;
  /** It had ended the task, but what it answered could not be read. */
  readonly unanswered?: boolean;
}): ErrorRecord {
  const { exit, exiting } = loss;
  if (loss.unanswered === true) {
    return lost(
      'the worker ended the step, but its answer did not arrive: the step, or a package it uses, wrote to a file descriptor that is not its own',
    );
  }
  if (exiting !== undefined) return exiting;
  const said = loss.stderr === '' ? '' : `\nIts last words:\n${loss.stderr}`;
  if (exit.error !== undefined) {
    return lost(`the worker process could not be started: ${exit.error.message}`);
  }
  if (exit.signal === null) {
    return {
      name: 'ProcessExit',
      code: 'process-exit',
      message: `the step's process ended with exit code ${exit.code} before the step had returned${said}`,
    };
  }
  return lost(`the worker process was killed by ${exit.signal}${cause(exit.signal, loss.stderr)}${said}`);
}

const lost = (message: string): ErrorRecord => ({ name: 'WorkerLost', code: 'worker-lost', message });

function cause(signal: NodeJS.Signals, stderr: string): string {
  if (/heap out of memory|allocation failed/i.test(stderr)) {
    return ': JavaScript heap out of memory (NODE_OPTIONS=--max-old-space-size=<MB> raises the limit)';
  }
  switch (signal) {
    case 'SIGKILL':
      return ', perhaps by the system because memory ran out';
    case 'SIGSEGV':
    case 'SIGBUS':
    case 'SIGILL':
      return ': a fault in native code';
    case 'SIGABRT':
      return ': native code or Node.js gave up';
    default:
      return '';
  }
}

/** A task whose process had to be killed because it went on after the abort. */
export function abortedOutcome(
  reason: AbortCause,
  options: { readonly timeout: number | undefined; readonly graceMs: number },
): TaskOutcome {
  return {
    status: 'aborted',
    reason,
    error: {
      name: 'StepAborted',
      code: abortCode(reason),
      message: `${abortMessage(reason, options.timeout)}; it did not end within ${options.graceMs} ms after that and was killed`,
    },
  };
}
