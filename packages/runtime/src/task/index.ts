/** What steps use while they run, from 'run-pipeline'. Lean: every task package that asks for it loads it. */
export { currentTask, findCurrentTask, runAsTask, setProcessTask, type CurrentTask } from './current-task.js';
export { liveTaskOf, markUncacheable, withLiveTask, type LiveTask } from './live-task.js';
export { TaskWork, type TaskWorkOptions } from './task-work.js';
export {
  createTaskLogger,
  type Axes,
  type ReportContent,
  type ReportPlace,
  type ReportSink,
  type TaskLogger,
} from './logger.js';
export type { Table } from './report-checks.js';
export { checkUpload, pathAsFile } from './upload.js';
