/** From definitions to a checked graph; its order, selection, pictures; the values of parameters. */
export * from './graph.js';
export * from './inputs.js';
export * from './names.js';
export * from './check-references.js';
export * from './node.js';
export * from './build.js';
export * from './parameters.js';
export * from './node-name.js';
export * from './mapped.js';
export * from './monitors.js';
export * from './call.js';
export * from './select.js';
export * from './export.js';
export * from './layout.js';
export { coerceText, coerceValue, shown, type Coerced } from './coerce.js';
