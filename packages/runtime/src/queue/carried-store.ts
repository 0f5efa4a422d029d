import type { TaskId } from '@run-pipeline/core/model';
import type { Store, TaskQueue } from '@run-pipeline/core/ports';

/** A queue that carries what is queued away from the store, as this wrapper needs it. Nothing of it rejects. */
export interface Carrier extends Pick<TaskQueue, 'push'> {
  /** Makes it carry what the store says of a queue. */
  refill(queue: string): Promise<void>;
  /** The same of all queues, now and then; nobody waits for it. */
  keepUp(): void;
}

/**
 * The store of those whose queue is elsewhere: whatever makes a job wait is followed by a word to the queue. The
 * store comes first and decides; a word that is lost (its process died, the queue was away) is made good for by
 * `keepUp`, in the rhythm in which lost attempts are looked for.
 */
export function carriedStore(store: Store, carrier: Carrier): Store {
  /** Its operation does not tell all that has to be carried. */
  const refillOf = async (task: TaskId): Promise<void> => {
    const state = (await store.readAttempts([task])).get(task);
    if (state?.status === 'queued' && state.queue !== undefined) await carrier.refill(state.queue);
  };
  const carried: Partial<Store> = {
    async enqueueTask(job) {
      const enqueued = await store.enqueueTask(job);
      if (enqueued.ok) {
        const { task, kind, queue, priority, resources = {} } = job;
        await carrier.push({ task, attempt: enqueued.attempt, kind, queue, priority, resources });
      }
      return enqueued;
    },
    async createRun(run) {
      const row = await store.createRun(run);
      if (run.controller !== undefined) {
        const { queue, priority } = run.controller;
        const task = row.id as string as TaskId;
        await carrier.push({ task, attempt: 1, kind: 'controller', queue, priority, resources: {} });
      }
      return row;
    },
    async releaseTask(task, fence, reason) {
      const released = await store.releaseTask(task, fence, reason);
      if (released) await refillOf(task);
      return released;
    },
    async leaveTask(task, fence, options) {
      const left = await store.leaveTask(task, fence, options);
      if (left && options !== undefined) await refillOf(task);
      return left;
    },
    async recoverTasks() {
      const recovered = await store.recoverTasks();
      for (const queue of new Set(recovered.requeued.map((job) => job.queue))) await carrier.refill(queue);
      carrier.keepUp();
      return recovered;
    },
  };
  const operations = new Map<PropertyKey, unknown>(Object.entries(carried));
  return new Proxy(store, {
    get(target, key) {
      const known = operations.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const operation: unknown = value.bind(target);
      operations.set(key, operation);
      return operation;
    },
  });
}
