/** `$<…>`: the grammar of references, finding them in declared inputs, reading what they stand for. */
export * from './reference.js';
export * from './parse.js';
export * from './compile.js';
export * from './resolve.js';
export * from './suggest.js';
