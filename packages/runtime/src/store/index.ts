/** State in a SQLite file, shared by the processes of one machine. */
export { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.js';
