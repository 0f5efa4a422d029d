/** Where things are for one invocation. */
export { loadConfig } from './config.js';
export { readGitState, type GitDescription } from './git-state.js';
export { ensureHome } from './home.js';
export { resolvePaths } from './paths.js';
export type { Project, ProjectPaths } from './project.js';
export {
  checkSettings,
  type BlobsSetting,
  type ProjectSettings,
  type QueueSetting,
  type StoreSetting,
} from './settings.js';
export { taskEnvironment, withheldNames, withheldSecrets } from './withheld.js';
export { projectRelay, setProjectRelay, type ProjectCall, type ProjectRelay } from './relay.js';
