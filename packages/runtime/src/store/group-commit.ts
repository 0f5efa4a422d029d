import { setImmediate as nextTick } from 'node:timers/promises';
import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import { patiently, type Connection } from './connection.js';
import { sqliteCode } from './store-error.js';
import { WriteBatch } from './write-batch.js';

/**
 * One change. It reads, decides and then writes, synchronously. It may run more than once (after a
 * lock, or when another change of its batch threw: then nothing of that transaction is kept). A
 * refusal is a value that it returns before it has written anything.
 */
export type Change<T> = (batch: WriteBatch) => T;

interface Waiting {
  readonly change: Change<unknown>;
  readonly durable: boolean;
  readonly mode: 'together' | 'alone' | 'alone-and-undone';
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A transaction holds the lock of all processes and blocks this thread: it stays small. */
const MAX_BATCH = 1024;

/**
 * Group commit: all changes of one tick share a transaction, hence one fsync. Promises resolve after
 * COMMIT. There is no await between BEGIN and COMMIT.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #committed: () => void;
  readonly #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  /** Transactions of ours: `data_version` counts only those of others. */
  commits = 0;

  /** `committed` is called after each COMMIT, before its promises resolve; it must not throw. */
  constructor(connection: Connection, now: () => number, committed: () => void) {
    this.#connection = connection;
    this.#now = now;
    this.#committed = committed;
  }

  /**
   * `durable: false` is for what a power failure may take back because it ends whoever relies on it:
   * leases and claims of this machine's processes, and events that only tell of them. A killed process
   * loses nothing either way, and the next durable change makes all before it durable, too.
   */
  submit<T>(change: Change<T>, options: { readonly durable: boolean }): Promise<T> {
    return this.#enqueue(change, 'together', options.durable);
  }

  /** Has a transaction of its own, which is rolled back unless `keep`. */
  alone<T>(change: Change<T>, options: { readonly keep: boolean }): Promise<T> {
    return this.#enqueue(change, options.keep ? 'alone' : 'alone-and-undone', true);
  }

  /** When everything submitted so far has ended. */
  async settled(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  #enqueue<T>(change: Change<T>, mode: Waiting['mode'], durable: boolean): Promise<T> {
    if (this.#connection.readonly) return Promise.reject(openedReadonly(this.#connection.file));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ change, durable, mode, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    await nextTick();
    while (this.#queue.length > 0) {
      const items = this.#take();
      try {
        await this.#settle(items);
      } catch (error) {
        if (items.length > 1 && error instanceof FaultyChange) await this.#settleEach(items);
        else for (const item of items) item.reject(error instanceof FaultyChange ? error.cause : error);
      }
      if (this.#queue.length > 0) await nextTick();
    }
    this.#draining = undefined;
  }

  async #settle(items: readonly Waiting[]): Promise<void> {
    const values = await patiently(this.#connection.file, () => this.#transact(items));
    items.forEach((item, index) => item.resolve(values[index]));
  }

  /** One of them failed by a fault of its own: the others must not pay for it. */
  async #settleEach(items: readonly Waiting[]): Promise<void> {
    for (const item of items) {
      try {
        await this.#settle([item]);
      } catch (error) {
        item.reject(error instanceof FaultyChange ? error.cause : error);
      }
    }
  }

  #take(): Waiting[] {
    let count = 0;
    while (count < MAX_BATCH && this.#queue[count]?.mode === 'together') count++;
    return this.#queue.splice(0, Math.max(count, 1));
  }

  #transact(items: readonly Waiting[]): unknown[] {
    const connection = this.#connection;
    connection.assertOpen();
    crashPoint('before-begin');
    connection.setDurable(items.some((item) => item.durable));
    connection.exec('BEGIN IMMEDIATE');
    try {
      crashPoint('after-begin');
      const batch = new WriteBatch(connection, this.#now());
      const values = items.map((item) => attempt(() => item.change(batch)));
      if (items[0]?.mode !== 'alone-and-undone') {
        attempt(() => batch.flush());
        crashPoint('before-commit');
        connection.exec('COMMIT');
        this.commits++;
        this.#committed();
        crashPoint('after-commit');
      }
      return values;
    } finally {
      connection.rollback();
    }
  }
}

/** A change threw: a bug, or something that its caller has to hear. Never the disk's or a lock's fault. */
class FaultyChange extends Error {}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = sqliteCode(error);
    if (code !== undefined && !code.startsWith('SQLITE_CONSTRAINT')) throw error;
    throw new FaultyChange('a change of the store failed', { cause: error });
  }
}

const openedReadonly = (file: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'store',
    code: 'read-only',
    message: `the store ${file} was opened for reading only`,
  });
