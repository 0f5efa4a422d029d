/** Where things are for one invocation, and who this process is. */
export { loadConfig } from './config.js';
export { ensureHome } from './home.js';
export { HOME_NAME, resolvePaths } from './paths.js';
export { isAlive, processIdentity, type Liveness } from './process-identity.js';
export type { Project, ProjectPaths } from './project.js';
