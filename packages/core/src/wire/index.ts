/** What the page and its server say to each other: types only, and two paths. */
export * from './actions.js';
export * from './artifact-pages.js';
export * from './fleet.js';
export * from './logs.js';
export * from './report.js';
export * from './rerun.js';
export * from './routes.js';
export * from './runs.js';
export * from './session.js';
export * from './steps.js';
export * from './stream.js';
