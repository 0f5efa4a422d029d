/** State in PostgreSQL, shared by the machines of a fleet. */
export { openPostgresStore, type PostgresStoreOptions } from './postgres-store.js';
