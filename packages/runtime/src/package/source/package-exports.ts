/**
 * Node's resolution inside a package: `exports` and `imports` with conditions and patterns
 * (https://nodejs.org/api/esm.html#resolution-algorithm-specification). Node offers it only relative
 * to the running module, and a step's imports resolve from the user's files.
 */
export function resolveInMap(options: {
  readonly map: unknown;
  /** `.`, `./feature`, `#internal`. */
  readonly key: string;
  readonly conditions: ReadonlySet<string>;
}): string | undefined {
  const { map, key, conditions } = options;
  if (!isSubpathMap(map)) return key === '.' ? pick(map, conditions, '') : undefined;
  if (Object.hasOwn(map, key) && !key.includes('*')) return pick(map[key], conditions, '');
  const patterns = Object.keys(map)
    .filter((pattern) => pattern.includes('*'))
    .sort(bySpecificity);
  for (const pattern of patterns) {
    const [before = '', after = ''] = pattern.split('*');
    if (key.length >= pattern.length && key.startsWith(before) && key.endsWith(after)) {
      return pick(map[pattern], conditions, key.slice(before.length, key.length - after.length));
    }
  }
  return undefined;
}

function isSubpathMap(map: unknown): map is Record<string, unknown> {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return false;
  const [first] = Object.keys(map);
  return first === undefined || first.startsWith('.') || first.startsWith('#');
}

/** The longest text before the `*` wins, then the longest pattern. */
function bySpecificity(a: string, b: string): number {
  const difference = b.indexOf('*') - a.indexOf('*');
  return difference === 0 ? b.length - a.length : difference;
}

function pick(target: unknown, conditions: ReadonlySet<string>, star: string): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', star);
  if (Array.isArray(target)) {
    for (const item of target) {
      const found = pick(item, conditions, star);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    if (condition !== 'default' && !conditions.has(condition)) continue;
    const found = pick(value, conditions, star);
    if (found !== undefined) return found;
  }
  return undefined;
}
