import { AsyncLocalStorage } from 'node:async_hooks';
import { setCallbackLookup, type CallbackScope, type RunNode } from '@run-pipeline/core/define';
import { pause } from './cache.js';
import { hasEnded, type NodeState, type RunContext } from './context.js';

/**
 * A callback of the user's while it is called. It knows the run that it belongs to, and it does not hold up a
 * run that was told to stop for longer than a step may.
 */
export async function inCallback<T>(context: RunContext, call: () => T | Promise<T>): Promise<T | undefined> {
  const entered: Entered = { scope: scopeOf(context), isOver: false };
  const called = (async () => storage().run(entered, call))().finally(() => {
    entered.isOver = true;
  });
  if (context.stop.current() === undefined) return Promise.race([called, overdue(context, called)]);
  return Promise.race([called, pause(context.options.graceMs, NEVER).then(() => undefined)]);
}

/** Resolves when the run was told to stop and the call did not come back for the grace period. */
async function overdue(context: RunContext, called: Promise<unknown>): Promise<undefined> {
  const { signal } = context.stop;
  let isTold = (): void => {};
  const told = new Promise<void>((resolve) => {
    isTold = resolve;
    signal.addEventListener('abort', isTold, { once: true });
  });
  const back = called.then(
    () => true,
    () => true,
  );
  const isBack = await Promise.race([told, back]);
  signal.removeEventListener('abort', isTold);
  if (isBack !== true) await pause(context.options.graceMs, NEVER);
  return undefined;
}
const NEVER = new AbortController().signal;

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
