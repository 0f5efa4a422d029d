export { each, type Each } from './define/each.js';
