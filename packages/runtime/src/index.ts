/**
 * `run-pipeline`: annotate TypeScript functions, run them as a typed, cached, observable pipeline.
 *
 * Steps import this module too, in every worker: it stays lean, the engine is loaded by the first run.
 *
 * @module
 */
import { hasRunHost, setRunHost } from '@run-pipeline/core/define';
import { programHost } from './library/host.js';
import { createTaskHost } from './library/task-host.js';
import { hasTaskHost, setTaskHost } from './tasks/index.js';

export * from '@run-pipeline/core';
export {
  arrowCodec,
  image,
  registerCodec,
  text,
  type ArrowLibrary,
  type Codec,
  type CodecOptions,
  type ImageValue,
} from './artifacts/index.js';

export { StorageManager } from './library/storage-manager.js';
export type {
  LocalCopyOptions,
  QueryOptions,
  StorageEntry,
  StorageManagerApi,
  StorageMetadata,
  UploadOptions,
} from './storage/index.js';
export { currentTask, type CurrentTask, type TaskLogger } from './task/index.js';

export {
  Task,
  TaskArtifact,
  TaskFailed,
  type ReportedScalars,
  type TaskArtifacts,
  type TaskCloneChanges,
  type TaskCreateOptions,
  type TaskEnqueueOptions,
  type TaskInitOptions,
  type TaskLookUp,
  type TaskSearch,
  type WaitOptions,
} from './tasks/index.js';
export type { TaskStatus, TaskType } from '@run-pipeline/core/model';

// Before the run host: it says whether this is a program of the user's own.
if (!hasTaskHost()) setTaskHost(createTaskHost());
// The command line, and a worker, have set theirs by then.
if (!hasRunHost()) setRunHost(programHost());
