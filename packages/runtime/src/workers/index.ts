/** Child processes that execute tasks. What other rooms use is listed here. */
export { createWorkerPool, type WorkerPoolOptions } from './pool.js';
export type { TaskOutcome, TaskRequest, WorkerPool } from './protocol.js';
