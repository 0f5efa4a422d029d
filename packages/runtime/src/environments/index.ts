/** npm dependencies of a task package, installed once in a cache. */
export { collectEnvironments } from './collect-environments.js';
export type { Environment, EnvironmentRequest, ProvideEnvironment } from './environment.js';
export { provideEnvironment } from './provide-environment.js';
