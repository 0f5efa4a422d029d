import type { Agents, QueueDetails, Queues } from '@run-pipeline/core/wire';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';

export async function listQueues({ project }: ServerContext): Promise<Queues> {
  return { queues: await project.store.listQueues() };
}

export async function queueDetails({ project }: ServerContext, name: string): Promise<QueueDetails> {
  const { store } = project;
  const queue = (await store.listQueues()).find((each) => each.name === name);
  if (queue === undefined) throw new Refusal(404, 'unknown-queue', 'there is no such queue');
  const [jobs, agents] = await Promise.all([store.listQueued(name), store.listAgents({ queue: name })]);
  return { queue, jobs, agents: agents.map(({ id }) => id) };
}

export async function listAgents({ project }: ServerContext): Promise<Agents> {
  const agents = await project.store.listAgents();
  return {
    agents: agents.map(({ identity, ...agent }) => ({ ...agent, host: identity.host, pid: identity.pid })),
  };
}
