/** The run itself: look up, execute, keep, emit; plan, resume, explain. */
export * from './api.js';
export { startRun } from './start-run.js';
export { resumeRun } from './resume-run.js';
export { planRun } from './plan-run.js';
export { openProject } from './open-project.js';
export { collectGarbage } from './collect-garbage.js';
export { explainStep, type StepExplanation } from './explain-step.js';
export { findArtifact, type FoundArtifact } from './read-artifact.js';
export { packageRequests } from './launch.js';
export { findTemplates } from './templates.js';
export { gitOfRun, launchValues, packagesOfRun, readLaunch } from './run-documents.js';
export { graceMs } from './settings.js';
export { captureTask } from './capture-task.js';
export { decodeStored } from './values.js';
export { executeRecord, type RecordEnding, type RecordExecution, type RecordStop } from './execute-record.js';

export { shownStatus } from './shown-status.js';
export { executeController, isController } from './execute-controller.js';
export { followRun, type Followed, type FollowRequest } from './follow-run.js';
export { runRemote, type RemoteEnd, type RemoteRequest } from './run-remote.js';
export { stopWaiting } from './stop-waiting.js';
