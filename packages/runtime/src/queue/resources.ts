import { isAmount, isResourceName, type Resources } from '@run-pipeline/core/model';

/** `gpu=1,ram=16`, as an agent offers and a task needs it; undefined: it is not that. */
export function parseResources(text: string): Resources | undefined {
  const entries = text.split(',').map((part): readonly [string, number] | undefined => {
    const [, name, amount] = /^\s*([^=]+?)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (name === undefined || !isResourceName(name) || !isAmount(Number(amount))) return undefined;
    return [name, Number(amount)];
  });
  const known = entries.filter((entry) => entry !== undefined);
  const names = new Set(known.map(([name]) => name));
  return known.length < entries.length || names.size < known.length ? undefined : Object.fromEntries(known);
}

/** `gpu=1 ram=16`; empty when there is nothing. */
export const formatResources = (resources: Resources, separator = ' '): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${name}=${amount}`)
    .join(separator);
