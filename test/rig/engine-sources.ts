/** What tests use of the runtime in their own process; from its sources, since a package exports none of it. */
export { specOf, stepExecutable } from '../../packages/runtime/src/agent/step-job.js';
export { executeRecord } from '../../packages/runtime/src/engine/attempt/execute-record.js';
export { startController } from '../../packages/runtime/src/engine/controller/controller-process.js';
export { settleController } from '../../packages/runtime/src/engine/controller/settle-controller.js';
export {
  collectGarbage,
  decodeStored,
  openProject,
  resumeRun,
} from '../../packages/runtime/src/engine/index.js';
export { provideEnvironment } from '../../packages/runtime/src/environments/index.js';
export { packageScript, readPackage } from '../../packages/runtime/src/package/index.js';
export { newTaskId } from '../../packages/runtime/src/project/new-id.js';
export { isAlive, processIdentity } from '../../packages/runtime/src/project/process-identity.js';
export { newKeyPair } from '../../packages/runtime/src/signing/index.js';
export { openSqliteStore } from '../../packages/runtime/src/store/index.js';
export { createWorkerPool, RECYCLE } from '../../packages/runtime/src/workers/index.js';
