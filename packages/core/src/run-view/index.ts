/** A run as a fold of its events: the same state for the terminal, `show` and the page. */
export * from './view.js';
export * from './apply.js';
export * from './show.js';
export * from './failures.js';
export * from './metrics.js';
export * from './view-json.js';
export * from './console-lines.js';
