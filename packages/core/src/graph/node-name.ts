import { stepName, type StepName } from '../model/ids.js';

/** Anything that knows which names are taken: a Set or a Map. */
export interface TakenNames {
  has(name: string): boolean;
}

/**
 * `train`, then `train_1`, `train_2`: a name that no node has yet. Depends on the taken names alone.
 * Doubles its step and halves it again, so that the ten-thousandth call in a loop does not try ten
 * thousand names; the name found is free and the one before it is not.
 */
export function uniqueNodeName(base: string, taken: TakenNames): StepName {
  const nth = (count: number): string => (count === 0 ? base : `${base}_${count}`);
  if (!taken.has(base)) return stepName(base);
  let full = 0;
  let free = 1;
  while (taken.has(nth(free))) {
    full = free;
    free *= 2;
  }
  while (free - full > 1) {
    const middle = Math.floor((full + free) / 2);
    if (taken.has(nth(middle))) full = middle;
    else free = middle;
  }
  return stepName(nth(free));
}

/** `score[3]`: the node of one element of the mapped step `score`. */
export const elementName = (step: string, index: number): StepName => stepName(`${step}[${index}]`);
