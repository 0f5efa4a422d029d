/** Words of the system as types: ids, statuses, events, artifacts, definitions, packages, errors. */
export * from './ids.js';
export * from './status.js';
export * from './source.js';
export * from './errors.js';
export * from './artifact.js';
export * from './events.js';
export * from './definition.js';
export * from './task.js';
export * from './task-edits.js';
export * from './package.js';
export * from './resources.js';
export * from './reasons.js';
export * from './did-you-mean.js';
export * from './mask-url.js';
export * from './queue-name.js';
