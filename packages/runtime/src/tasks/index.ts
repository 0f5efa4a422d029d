/**
 * The `Task` of users' scripts: attached to what executes it, or a record in the store when it is run by
 * hand. Lean: what starts a task of its own, and what opens the store, is loaded when it is used.
 */
export { Task } from './task.js';
export { TaskArtifact, type TaskArtifacts } from './task-artifact.js';
export { readReported, type ReportedScalars } from './reported.js';
export { TaskFailed } from './wait-for-status.js';
export type {
  TaskCloneChanges,
  TaskCreateOptions,
  TaskEnqueueOptions,
  TaskInitOptions,
  TaskLookUp,
  TaskSearch,
  WaitOptions,
} from './task-options.js';
export { hasTaskHost, setTaskHost, type TaskHost } from './task-host.js';
export { requireById, selectTask } from './find-task.js';
export {
  abortTask,
  cloneTask,
  createDraft,
  ENDED,
  enqueueTask,
  isTaskType,
  labelOf,
  publishTask,
  scriptOf,
} from './task-operations.js';
export { flatParameters, nestedParameters } from './parameter-names.js';
export { readViewArtifacts, stepTask, viewOfRecord, type TaskView } from './task-view.js';
