/** Where things are for one invocation. */
export { loadConfig } from './config.js';
export { readGitState, type GitDescription } from './git-state.js';
export { ensureHome } from './home.js';
export { resolvePaths } from './paths.js';
export type { Project, ProjectPaths } from './project.js';
