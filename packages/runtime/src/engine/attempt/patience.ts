import type { RunContext } from '../context.js';
import type { Following } from './followed-attempts.js';

/**
 * How long an agent may take to end what it was asked to end: the grace period of the step, and the lease.
 * After that it has either ended it, or lost it, and then the store ends it; or it does not do what it is told.
 */
export function startPatience(
  context: RunContext,
  following: Following,
): { readonly ended: () => boolean; readonly stop: () => void } {
  let ended = false;
  const end = async (): Promise<void> => {
    await following.recover().catch(() => {}); // the next sighting tells of a broken store
    ended = true;
    following.wake();
  };
  const timer = setTimeout(() => void end(), context.options.graceMs + context.leaseMs);
  return { ended: () => ended, stop: () => clearTimeout(timer) };
}
