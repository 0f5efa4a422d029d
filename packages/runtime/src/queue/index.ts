/** How ready tasks reach agents. */
export { carriedStore } from './carried-store.js';
export { embeddedQueue } from './embedded-queue.js';
export { checkQueueName } from './queue-name.js';
