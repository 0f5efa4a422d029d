/** The run itself: look up, execute, keep, emit; plan, resume, explain. */
export * from './api.js';
export { startRun } from './run/start-run.js';
export { resumeRun } from './run/resume-run.js';
export { planRun } from './launch/plan-run.js';
export { openProject } from './open-project.js';
export { collectGarbage } from './collect-garbage.js';
export { explainStep, type StepExplanation } from './query/explain-step.js';
export { findArtifact, type FoundArtifact } from './query/read-artifact.js';
export { packageRequests } from './launch/launch.js';
export { findTemplates } from './launch/templates.js';
export { gitOfRun, launchValues, packagesOfRun, readLaunch } from './launch/run-documents.js';
export { graceMs } from './settings.js';
export { captureTask } from './query/capture-task.js';
export { decodeStored } from './step/values.js';
export {
  executeRecord,
  type RecordEnding,
  type RecordExecution,
  type RecordStop,
} from './attempt/execute-record.js';

export { controllerJob } from './controller/controller-job.js';
export { shownStatus } from './controller/shown-status.js';
export { executeController, isController } from './controller/execute-controller.js';
export { followRun, type Followed, type FollowRequest } from './controller/follow-run.js';
export { runRemote, type RemoteEnd, type RemoteRequest } from './controller/run-remote.js';
export { stopWaiting } from './controller/stop-waiting.js';
