import type { EnvironmentLock } from './environment-lock.js';

const NAMED = 3;

/** `is-odd@3.0.1 and libsql@0.5.29`, by what a task imports itself; and how many may be installed for it. */
export function describePackages(lock: EnvironmentLock): { readonly count: number; readonly text: string } {
  const direct = Object.entries(lock.dependencies).map(([name, spec]) =>
    spec.startsWith('npm:') ? spec.slice('npm:'.length) : `${name}@${spec}`,
  );
  const named = direct.length > NAMED + 1 ? direct.slice(0, NAMED) : direct;
  const rest = direct.length - named.length;
  const parts = rest > 0 ? [...named, `${rest} more`] : named;
  const last = parts.pop() ?? 'no packages';
  const required = [...lock.entries.values()].filter((entry) => entry.optional !== true);
  return {
    count: required.length,
    text: parts.length === 0 ? last : `${parts.join(', ')} and ${last}`,
  };
}
