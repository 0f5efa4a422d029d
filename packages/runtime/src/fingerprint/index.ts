export * from './preimage.js';
export * from './explain.js';
