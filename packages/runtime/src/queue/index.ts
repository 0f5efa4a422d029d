/** How ready tasks reach agents. */
export { embeddedQueue } from './embedded-queue.js';
export { checkQueueName } from './queue-name.js';
