export * from './graph.js';
export * from './inputs.js';
