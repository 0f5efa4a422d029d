import type { ActionResult, CacheRefresh } from '@run-pipeline/core/wire';
import { requireRun } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { requireStep } from '../steps/require-step.js';

/** Forgets the cached result of a step: the next run executes it. */
export async function refreshCache(context: ServerContext, request: CacheRefresh): Promise<ActionResult> {
  const { store } = context.project;
  const row = await requireRun(context, request.run);
  const { fingerprint, name } = requireStep(await context.views.get(row), request.step);
  if (fingerprint === undefined || (await store.findCacheEntry(fingerprint)) === undefined)
    return { done: false, message: `nothing is cached for ${name} of this run` };
  await store.dropCacheEntry(fingerprint);
  return { done: true, message: `the cached result of ${name} is forgotten: the next run executes it` };
}
