import type { StepDefinition } from '../model/definition.js';

/**
 * The seam between a pipeline function's body and the engine: while a body runs, calling a step
 * issues a node here. The engine enters a scope around the body (AsyncLocalStorage in the runtime);
 * outside of one, calling a step is an error.
 */
export interface CallScope {
  /** Adds a node. `args` may hold handles (also nested in arrays and plain objects). */
  issue(call: IssuedCall): IssuedNode;
}

export interface IssuedCall {
  readonly step: StepDefinition;
  readonly args: readonly unknown[];
  /** From `.with({ name, parents })`. */
  readonly label: string | undefined;
  /** Handles or names. */
  readonly parents: readonly unknown[];
}

/** What a handle stands on. */
export interface IssuedNode {
  /** `train`, `train_1`. */
  readonly name: string;
  /** The value of one return, or (without a name) what awaiting the handle gives. Rejects with StepFailed. */
  value(returnName?: string): Promise<unknown>;
}

/** Behind every handle, under `HANDLE`: the node and which of its returns. */
export interface HandleTarget {
  readonly node: IssuedNode;
  readonly returnName: string | undefined;
}
export const HANDLE: unique symbol = Symbol.for('run-pipeline.handle') as never;

const SCOPE = Symbol.for('run-pipeline.scope');
type Holder = { [SCOPE]?: () => CallScope | undefined };

/** The runtime tells how to find the scope of the current asynchronous context. */
export function setScopeLookup(lookup: () => CallScope | undefined): void {
  (globalThis as Holder)[SCOPE] = lookup;
}
export const currentScope = (): CallScope | undefined => (globalThis as Holder)[SCOPE]?.();
