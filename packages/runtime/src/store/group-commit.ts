import { setImmediate as nextTick } from 'node:timers/promises';
import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import { patiently, type Connection } from './connection.js';
import { sqliteCode } from './store-error.js';
import { WriteBatch } from './write-batch.js';

/**
 * One change. It reads, decides and then writes, synchronously; it may run more than once (after a
 * lock, or when another change of its batch failed), and a refusal is a value that it returns before
 * it has written anything.
 */
export type Change<T> = (batch: WriteBatch) => T;

interface Waiting {
  readonly change: Change<unknown>;
  readonly mode: 'together' | 'alone' | 'alone-and-undone';
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}
type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A transaction holds the lock of all processes and blocks this thread: it stays small. */
const MAX_BATCH = 256;

/**
 * Group commit: all changes of one tick share a transaction, hence one fsync. Promises resolve after
 * COMMIT. There is no await between BEGIN and COMMIT.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  /** Transactions of ours: `data_version` counts only those of others. */
  commits = 0;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  submit<T>(change: Change<T>): Promise<T> {
    return this.#enqueue(change, 'together');
  }

  /** Has a transaction of its own, which is rolled back unless `keep`. */
  alone<T>(change: Change<T>, options: { readonly keep: boolean }): Promise<T> {
    return this.#enqueue(change, options.keep ? 'alone' : 'alone-and-undone');
  }

  /** When everything submitted so far has ended. */
  async settled(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  #enqueue<T>(change: Change<T>, mode: Waiting['mode']): Promise<T> {
    if (this.#connection.readonly) return Promise.reject(openedReadonly(this.#connection.file));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ change, mode, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    await nextTick();
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        const outcomes = await patiently(this.#connection.file, () => this.#transact(batch));
        batch.forEach((item, index) => settle(item, outcomes[index]));
      } catch (error) {
        for (const item of batch) item.reject(error);
      }
      if (this.#queue.length > 0) await nextTick();
    }
    this.#draining = undefined;
  }

  #take(): Waiting[] {
    let count = 0;
    while (count < MAX_BATCH && this.#queue[count]?.mode === 'together') count++;
    return this.#queue.splice(0, Math.max(count, 1));
  }

  #transact(items: readonly Waiting[]): Outcome[] {
    this.#connection.assertOpen();
    try {
      return this.#once(items);
    } catch (error) {
      // A broken constraint is a bug of one change: the others of the batch must not pay for it.
      if (items.length === 1 || !sqliteCode(error)?.startsWith('SQLITE_CONSTRAINT')) throw error;
      return items.map((item): Outcome => {
        try {
          return this.#once([item])[0]!;
        } catch (own) {
          if (!sqliteCode(own)?.startsWith('SQLITE_CONSTRAINT')) throw own;
          return { error: own };
        }
      });
    }
  }

  #once(items: readonly Waiting[]): Outcome[] {
    const connection = this.#connection;
    crashPoint('before-begin');
    connection.exec('BEGIN IMMEDIATE');
    try {
      crashPoint('after-begin');
      const batch = new WriteBatch(connection, this.#now());
      const outcomes = items.map((item): Outcome => {
        try {
          return { value: item.change(batch) };
        } catch (error) {
          if (sqliteCode(error) !== undefined) throw error;
          // Thrown before it wrote: changes check first.
          return { error };
        }
      });
      if (items[0]?.mode !== 'alone-and-undone') {
        batch.flush();
        crashPoint('before-commit');
        connection.exec('COMMIT');
        this.commits++;
        crashPoint('after-commit');
      }
      return outcomes;
    } finally {
      connection.rollback();
    }
  }
}

function settle(item: Waiting, outcome: Outcome | undefined): void {
  if (outcome === undefined) item.reject(new Error('a change of the store ended without an outcome'));
  else if ('error' in outcome) item.reject(outcome.error);
  else item.resolve(outcome.value);
}

const openedReadonly = (file: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'store',
    code: 'read-only',
    message: `the store ${file} was opened for reading only`,
  });
