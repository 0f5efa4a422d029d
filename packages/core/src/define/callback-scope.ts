import type { RunNode } from './run-nodes.js';

/**
 * The run whose callback is being called: what a controller says of itself inside of one. There it need not
 * be this program that started the run; it may have been resumed, or be executed by an agent.
 */
export interface CallbackScope {
  /** The pipeline's own object: a callback may hold another controller, which is not concerned. */
  readonly subject: object;
  /** Asks the run to stop; who waits in a callback for a run to end would wait for himself. */
  stop(reason: string): void;
  processedNodes(): readonly RunNode[];
  runningNodes(): readonly RunNode[];
  /** Milliseconds. */
  elapsed(): number;
}

const SCOPE = Symbol.for('run-pipeline.callback-scope');
type Holder = { [SCOPE]?: () => CallbackScope | undefined };

/** The runtime tells how to find the callback of the current asynchronous context. */
export function setCallbackLookup(lookup: () => CallbackScope | undefined): void {
  (globalThis as Holder)[SCOPE] = lookup;
}

/** The callback that this code runs in, if it is one of this pipeline. */
export function callbackOf(subject: object): CallbackScope | undefined {
  const scope = (globalThis as Holder)[SCOPE]?.();
  return scope?.subject === subject ? scope : undefined;
}
