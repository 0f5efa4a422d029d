import { amountsOf, type Resources } from '@run-pipeline/core/model';

/** Equal needs are equal texts: keys in order, nothing of which 0 is needed. */
export const encodeResources = (resources: Resources): string =>
  JSON.stringify(Object.fromEntries(amountsOf(resources).toSorted(([a], [b]) => (a < b ? -1 : 1))));

export const decodeResources = (text: string): Resources => JSON.parse(text) as Resources;
