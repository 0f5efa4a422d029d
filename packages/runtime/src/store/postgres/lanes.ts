import { setImmediate as nextTick } from 'node:timers/promises';
import type { RunId } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { Connection, Transaction } from './connection.js';
import { isServers } from './postgres-error.js';
import { WriteBatch } from './write-batch.js';

export interface Lane {
  readonly name: string;
  /** Its changes begin with the row of this run, which is locked with the transaction's first words. */
  readonly run?: RunId;
}

/** Changes of a run, of its steps by their run, and of its controller. */
export const runLane = (run: RunId): Lane => ({ name: `run ${run}`, run });

/**
 * One change. It reads, decides and then writes. It may run more than once (after a lost connection, or
 * when another change of its batch threw: then nothing of that transaction is kept). A refusal is a
 * value that it returns before it has written anything.
 */
export type Change<T> = (batch: WriteBatch) => Promise<T>;

interface Waiting {
  readonly change: Change<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A transaction holds the lock of its run: it stays small. */
const MAX_BATCH = 256;

/**
 * Changes of one lane (a run, a task of its own) happen one after the other, in the order in which they
 * were submitted; what waits meanwhile shares the next transaction, hence one COMMIT. Lanes run side by side.
 */
export class Lanes {
  readonly #connection: Connection;
  readonly #committed: () => void;
  readonly #lanes = new Map<string, { readonly queue: Waiting[]; readonly draining: Promise<void> }>();

  /** `committed` is called after each COMMIT, before its promises resolve; it must not throw. */
  constructor(connection: Connection, committed: () => void) {
    this.#connection = connection;
    this.#committed = committed;
  }

  submit<T>(lane: Lane, change: Change<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { change, resolve: resolve as (value: unknown) => void, reject };
      const there = this.#lanes.get(lane.name);
      if (there !== undefined) {
        there.queue.push(waiting);
        return;
      }
      const queue = [waiting];
      this.#lanes.set(lane.name, { queue, draining: this.#drain(lane, queue) });
    });
  }

  /** When everything submitted so far has ended. */
  async settled(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all([...this.#lanes.values()].map(({ draining }) => draining));
  }

  async #drain(lane: Lane, queue: Waiting[]): Promise<void> {
    await nextTick();
    while (queue.length > 0) {
      const items = queue.splice(0, MAX_BATCH);
      try {
        await this.#settle(lane, items);
      } catch (error) {
        if (items.length > 1 && error instanceof FaultyChange) await this.#settleEach(lane, items);
        else for (const item of items) item.reject(causeOf(error));
      }
    }
    this.#lanes.delete(lane.name);
  }

  async #settle({ run }: Lane, items: readonly Waiting[]): Promise<void> {
    crashPoint('before-begin');
    const values = await this.#connection.transact((transaction) => apply(transaction, items), {
      pins: 'shared',
      keep: true,
      ...(run === undefined ? {} : { run }),
    });
    this.#committed();
    crashPoint('after-commit');
    items.forEach((item, index) => item.resolve(values[index]));
  }

  /** One of them failed by a fault of its own: the others must not pay for it. */
  async #settleEach(lane: Lane, items: readonly Waiting[]): Promise<void> {
    for (const item of items) {
      try {
        await this.#settle(lane, [item]);
      } catch (error) {
        item.reject(causeOf(error));
      }
    }
  }
}

async function apply(transaction: Transaction, items: readonly Waiting[]): Promise<readonly unknown[]> {
  crashPoint('after-begin');
  const batch = new WriteBatch(transaction);
  const values: unknown[] = [];
  for (const { change } of items) values.push(await attempt(() => change(batch)));
  await attempt(() => batch.flush());
  crashPoint('before-commit');
  return values;
}

/** A change threw: a bug, or something that its caller has to hear. Never the server's fault or a lock's. */
class FaultyChange extends Error {}

async function attempt<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isServers(error)) throw error;
    throw new FaultyChange('a change of the store failed', { cause: error });
  }
}

const causeOf = (error: unknown): unknown => (error instanceof FaultyChange ? error.cause : error);
