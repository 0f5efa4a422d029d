import type { ResolveFramework } from './discovery.js';

/** What a user imports the framework as: the package, its core, and core's rooms. */
export const FRAMEWORK = /^(?:run-pipeline|@run-pipeline\/core)(?:\/|$)/;

/**
 * The modules of the running installation. A user's file always gets these, whatever copy its own
 * project has, so that decorators and the command line share one registry and one version.
 */
export const ownFramework: ResolveFramework = (specifier) => {
  try {
    return import.meta.resolve(specifier);
  } catch {
    return undefined;
  }
};
