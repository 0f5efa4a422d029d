import { useCallback } from 'react';
import type { LiveRun } from '../data/live-run.js';
import { useKeys } from '../keyboard/keys.js';

/** `f` and `F`: from one failed step to the next, in the order of the graph. */
export function useFailureKeys(
  live: LiveRun,
  selected: string | undefined,
  select: (name: string) => void,
): (by: 1 | -1) => void {
  const go = useCallback(
    (by: 1 | -1) => {
      const names = live
        .steps()
        .filter(({ status, error }) => status === 'failed' || (status === 'aborted' && error !== undefined))
        .map(({ name }) => name as string);
      if (names.length === 0) return;
      const at = selected === undefined ? -1 : names.indexOf(selected);
      const to = at < 0 ? (by === 1 ? 0 : names.length - 1) : (at + by + names.length) % names.length;
      select(names[to]!);
    },
    [live, selected, select],
  );
  useKeys({ f: () => go(1), F: () => go(-1) });
  return go;
}
