/** Child processes that execute tasks. What other rooms use is listed here. */
export { createWorkerPool, installedWorkerFile, RECYCLE, type WorkerPoolOptions } from './pool.js';
export { inheritedFlags } from './worker-process.js';
export { Watchdog } from './watchdog.js';
export type { TaskOutcome, TaskRequest, WorkerPool } from './protocol.js';
