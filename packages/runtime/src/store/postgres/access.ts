import { Listeners } from '../listeners.js';
import type { Connection, Sql } from './connection.js';
import { Lanes, type Change, type Lane } from './lanes.js';

/** The three ways to the server that operations of the store have. */
export class StoreAccess {
  protected readonly connection: Connection;
  protected readonly lanes: Lanes;
  protected readonly listeners: Listeners;

  constructor(connection: Connection) {
    this.connection = connection;
    const listener = connection.listener(() => this.listeners.tell());
    this.listeners = new Listeners((watched) => (watched ? listener.start() : listener.stop()));
    this.lanes = new Lanes(connection, () => this.listeners.wake());
  }

  /**
   * Calls back after commits: those of this process in the next tick, those of others as soon as they are
   * heard of. Several may be one call.
   */
  watch(listener: () => void): () => void {
    this.connection.assertOpen();
    return this.listeners.add(listener);
  }

  /** Sees what is committed, and waits for nobody. */
  protected read<T>(query: (sql: Sql) => Promise<T>): Promise<T> {
    return this.connection.read(query);
  }

  /** In the lane of the run (`runLane`) or the task of its own (`taskLane`) that it changes. */
  protected write<T>(lane: Lane, change: Change<T>): Promise<T> {
    return this.lanes.submit(lane, change);
  }

  /** A single statement that renews a lease: never behind others, and the server's crash may take it back. */
  protected renew<T>(change: (sql: Sql) => Promise<T>): Promise<T> {
    return this.connection.renew(change);
  }
}
