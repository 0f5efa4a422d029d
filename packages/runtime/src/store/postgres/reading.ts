import type { Sql } from './connection.js';

/** A query whose rows end with the store's clock: what a reader is told of leases is by that one. */
export const timed = (sql: Sql, columns: string, from: string): string =>
  `SELECT ${columns}, ${sql.clock} ${from}`;
