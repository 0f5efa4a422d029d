import { AsyncLocalStorage } from 'node:async_hooks';
import { setCallbackLookup, type CallbackScope, type RunNode } from '@run-pipeline/core/define';
import { pause } from '../step/cache.js';
import { hasEnded, type NodeState, type RunContext } from '../context.js';

/**
 * A callback of the user's while it is called. It knows the run that it belongs to, and it does not hold up a
 * run that was told to stop for longer than a step may.
 */
export async function inCallback<T>(context: RunContext, call: () => T | Promise<T>): Promise<T | undefined> {
  const entered: Entered = { scope: scopeOf(context), isOver: false };
  const back = new AbortController();
  const called = (async () => storage().run(entered, call))().finally(() => {
    entered.isOver = true;
    back.abort();
  });
  return Promise.race([called, overdue(context, back.signal)]);
}

/** Resolves when the run was told to stop, the grace period is over, and the call has not come back. */
async function overdue(context: RunContext, back: AbortSignal): Promise<undefined> {
  const { signal } = context.stop;
  await eitherAborted(signal, back);
  await pause(context.options.graceMs, back);
  // Then the call's own answer counts, whichever of the two is heard first.
  if (back.aborted) await new Promise<never>(() => {});
}

function eitherAborted(one: AbortSignal, other: AbortSignal): Promise<void> {
  if (one.aborted || other.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      one.removeEventListener('abort', done);
      other.removeEventListener('abort', done);
      resolve();
    };
    one.addEventListener('abort', done);
    other.addEventListener('abort', done);
  });
}

interface Entered {
  readonly scope: CallbackScope;
  /** What it started goes on elsewhere, and may wait for the run. */
  isOver: boolean;
}

/** Made when the first callback is called: it makes every promise of the process a little more expensive. */
let entries: AsyncLocalStorage<Entered> | undefined;
function storage(): AsyncLocalStorage<Entered> {
  if (entries !== undefined) return entries;
  const made = new AsyncLocalStorage<Entered>();
  entries = made;
  setCallbackLookup(() => {
    const entered = made.getStore();
    return entered === undefined || entered.isOver ? undefined : entered.scope;
  });
  return made;
}

const scopeOf = (context: RunContext): CallbackScope => ({
  subject: context.definition.subject,
  stop: (reason) => context.stop.request({ reason: 'stopped', message: reason }),
  processedNodes: () => nodesOf(context, hasEnded),
  runningNodes: () => nodesOf(context, (node) => isUnderWay(node) && !node.mapped),
  elapsed: () => Math.round(performance.now() - context.started),
});

const isUnderWay = ({ status }: NodeState): boolean => status === 'running' || status === 'queued';

function nodesOf(context: RunContext, wanted: (node: NodeState) => boolean): readonly RunNode[] {
  return [...context.nodes.values()].filter(wanted).map((node) => {
    const { name, status, attempt } = node;
    const wasExecuted = isUnderWay(node) || (attempt > 0 && status !== 'cached' && status !== 'skipped');
    return {
      name,
      status,
      attempt,
      parents: node.parents.map((parent) => parent.name),
      ...(wasExecuted ? { executed: node.task } : {}),
    };
  });
}
