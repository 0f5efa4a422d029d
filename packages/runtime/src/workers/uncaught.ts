import { RunPipelineError } from '@run-pipeline/core/model';

/** An error that reached the process instead of the step's promise. */
export class Uncaught {
  readonly code: 'uncaught-exception' | 'unhandled-rejection';
  readonly error: unknown;

  constructor(origin: NodeJS.UncaughtExceptionOrigin, error: unknown) {
    this.code = origin === 'unhandledRejection' ? 'unhandled-rejection' : 'uncaught-exception';
    this.error = error;
    MADE.add(this);
  }
}

const MADE = new WeakSet<object>();

/** Without `instanceof`: what a step throws may be a proxy that throws when it is asked. */
export function isUncaught(thrown: unknown): thrown is Uncaught {
  return typeof thrown === 'object' && thrown !== null && MADE.has(thrown);
}

/** What `process.exit()` in a step comes to. Made where it is called, so that its stack tells the place. */
export function processExit(code: unknown, what: 'step' | 'script' = 'step'): Error {
  const { stackTraceLimit } = Error;
  // Some frames are Node's and ours.
  Error.stackTraceLimit = 50;
  const error = new RunPipelineError({
    kind: 'run',
    code: 'process-exit',
    message: `the ${what} called process.exit(${String(code)})${what === 'step' ? '; its process ended before the step had returned' : ''}`,
  });
  Error.stackTraceLimit = stackTraceLimit;
  return Object.defineProperty(error, 'name', { value: 'ProcessExit' });
}
