import { storableText } from '../rows/storable-text.js';

/** A parameter as the server takes it. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  return Array.isArray(value) ? value.map(storable) : value;
}
