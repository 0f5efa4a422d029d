import type { Resources } from '@run-pipeline/core/ports';

/** Equal needs are equal texts: keys in order, nothing of which 0 is needed. */
export const encodeResources = (resources: Resources): string =>
  JSON.stringify(Object.fromEntries(amounts(resources).toSorted(([a], [b]) => (a < b ? -1 : 1))));

export const decodeResources = (text: string): Resources => JSON.parse(text) as Resources;

export const amounts = (resources: Resources): readonly (readonly [string, number])[] =>
  Object.entries(resources).filter(([, amount]) => amount > 0);
