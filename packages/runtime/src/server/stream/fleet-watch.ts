import type { ServerContext } from '../server-context.js';

/** Agents renew their leases all the time: a look costs a few queries, so there is one this often. */
const PERIOD_MS = 500;
const TASKS = 200;

/** Whether something of tasks, queues or agents changed that a page would show. */
export class FleetWatch {
  readonly #context: ServerContext;
  #seen: string | undefined;
  #lastLook = -Infinity;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  forget(): void {
    this.#seen = undefined;
    this.#lastLook = -Infinity;
  }

  async changed(): Promise<boolean> {
    if (performance.now() < this.#lastLook + PERIOD_MS) return false;
    this.#lastLook = performance.now();
    const { store } = this.#context.project;
    const [queues, agents, tasks] = await Promise.all([
      store.listQueues(),
      store.listAgents(),
      store.findTasks({ limit: TASKS }),
    ]);
    const now = JSON.stringify([
      queues,
      agents.map(({ id, queues, concurrency, running, draining }) => [
        id,
        queues,
        concurrency,
        running,
        draining,
      ]),
      tasks.map(({ id, name, status, attempt, progress, queue, tags, finishedAt }) => [
        id,
        name,
        status,
        attempt,
        progress,
        queue,
        tags,
        finishedAt,
      ]),
    ]);
    const before = this.#seen;
    this.#seen = now;
    return before !== undefined && before !== now;
  }
}
