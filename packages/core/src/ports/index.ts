/** The seams behind which state and bytes live. Each has a conformance suite in `test/conformance`. */
export * from './blob-store.js';
export * from './package-store.js';
export * from './process-identity.js';
export * from './queue-limits.js';
export * from './store.js';
export * from './task-queue.js';
export * from './task-store.js';
