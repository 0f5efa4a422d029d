/**
 * Amounts by name: `{ cpu: 2, gpu: 1 }`, finite and from 0. One that is not named is 0. What the names
 * mean is the users' own: an amount that is needed is compared with one of the same name that is offered.
 */
export type Resources = Readonly<Record<string, number>>;

/** What is needed at all. */
export const amountsOf = (resources: Resources): readonly (readonly [string, number])[] =>
  Object.entries(resources).filter(([, amount]) => amount > 0);

/** Names of which more is needed than there is. */
export const lacking = (needs: Resources, offered: Resources): readonly string[] =>
  amountsOf(needs).flatMap(([name, amount]) =>
    amount > (Object.hasOwn(offered, name) ? offered[name]! : 0) ? [name] : [],
  );

/** What can be written as `NAME=AMOUNT,…`: a letter, then letters, digits and `_ . - /`. */
export const isResourceName = (name: string): boolean => /^\p{L}[\p{L}\p{N}_./-]{0,99}$/u.test(name);

export const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** Of a task that waits: higher is sooner, 0 where nothing is said. What is beyond counts as the bound. */
export const PRIORITY_BOUND = 1_000_000;
export const isPriority = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Math.abs(value as number) <= PRIORITY_BOUND;
