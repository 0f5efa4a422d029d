/**
 * The agent: takes tasks from queues, claims them, executes each in a child process of its own, and tells
 * the store what came of it.
 */
export { runAgent, type AgentOptions } from './agent.js';
export type { AgentEvent } from './events.js';
export { unknownQueue } from './serve-queues.js';
