import type { Store } from '@run-pipeline/core/ports';
import type { RunView } from '@run-pipeline/core/run-view';
import { formatResources, offers } from '../queue/index.js';

/** Why steps that wait in queues do not only wait for a place there, by their names. */
export async function stuckSteps(store: Store, view: RunView): Promise<ReadonlyMap<string, string>> {
  const queues = new Set(
    [...view.steps.values()].flatMap(({ status, queue }) => (status === 'queued' ? (queue ?? []) : [])),
  );
  const found = await Promise.all(
    [...queues].map(async (queue) => {
      const [jobs, agents] = await Promise.all([store.listQueued(queue), store.listAgents({ queue })]);
      return jobs.flatMap(({ run, step, resources }): readonly (readonly [string, string])[] => {
        if (run !== view.id || step === undefined) return [];
        if (agents.length === 0) return [[step, 'no agent serves it']];
        if (agents.some((agent) => offers(agent, resources))) return [];
        return [[step, `no agent of it has ${formatResources(resources, ',')}`]];
      });
    }),
  );
  return new Map(found.flat());
}
