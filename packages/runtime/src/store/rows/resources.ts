import { amountsOf, type Resources } from '@run-pipeline/core/model';
import { storedJson } from './stored-json.js';

/** Equal needs are equal texts: keys in order, nothing of which 0 is needed. */
export const encodeResources = (resources: Resources): string =>
  JSON.stringify(Object.fromEntries(amountsOf(resources).toSorted(([a], [b]) => (a < b ? -1 : 1))));

export const decodeResources = (text: string): Resources =>
  storedJson(text, 'what a task needs') as Resources;
