/** npm dependencies of a task package, installed once in a cache. */
export { collectEnvironments } from './collect-environments.js';
export type { Environment, EnvironmentRequest, ProvideEnvironment } from './environment.js';
export { projectHolds } from './project-installation.js';
export { provideEnvironment } from './provide-environment.js';
