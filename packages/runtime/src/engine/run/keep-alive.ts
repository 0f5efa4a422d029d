import type { Store } from '@run-pipeline/core/ports';
import type { RunContext } from '../context.js';
import { RunLost } from './run-log.js';

const LOOK_FOR_STOP_MS = 100;

/**
 * While a run lasts: renews its lease and those of its attempts and claims, and notices when another
 * process asks it to stop or has taken it over. A renewal comes three times a lease, so that one slow
 * write does not lose it.
 */
export function keepAlive(
  context: RunContext,
  onLost: (error: Error) => void,
): { readonly stop: () => void } {
  const { store } = context.project;
  let renewing = false;
  const renew = setInterval(() => {
    if (renewing) return;
    renewing = true;
    renewAll(context, store)
      .then((owned) => {
        if (!owned) onLost(new RunLost('another process has taken this run over'));
      })
      .catch(onLost)
      .finally(() => {
        renewing = false;
      });
  }, context.leaseMs / 3);

  let seen: number | undefined;
  let looking = false;
  const look = setInterval(() => {
    if (looking) return;
    looking = true;
    lookForStop(context, store, seen)
      .then((counter) => {
        seen = counter;
      })
      .catch(() => {}) // the renewal tells of a store that stays broken
      .finally(() => {
        looking = false;
      });
  }, LOOK_FOR_STOP_MS);

  return {
    stop() {
      clearInterval(renew);
      clearInterval(look);
    },
  };
}

async function renewAll(context: RunContext, store: Store): Promise<boolean> {
  const renewals = [...context.claims].map(([task, fence]) =>
    store.heartbeatTask(task, fence, context.leaseMs),
  );
  const [owned] = await Promise.all([
    store.heartbeatRun(context.row.id, context.row.epoch),
    store.heartbeatFingerprints(context.row.id, context.leaseMs),
    ...renewals,
  ]);
  return owned;
}

/** The change counter is nearly free; the row is read only when something was written. */
async function lookForStop(context: RunContext, store: Store, seen: number | undefined): Promise<number> {
  const counter = await store.changeCounter();
  if (counter === seen) return counter;
  const row = await store.getRun(context.row.id);
  if (row?.stopRequested !== undefined)
    context.stop.request({ reason: 'stopped', message: row.stopRequested });
  return counter;
}
