/** How ready tasks reach agents. */
export { carriedStore } from './carried-store.js';
export { embeddedQueue } from './embedded-queue.js';
export { formatLimits, isPaused, parseRate } from './limits.js';
export { checkQueueName } from './queue-name.js';
export {
  agentCommand,
  goOnCommand,
  idleReasons,
  offers,
  QueueStates,
  sameState,
  type QueueState,
} from './queue-state.js';
export { formatResources, parseResources } from './resources.js';
