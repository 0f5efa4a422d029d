import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

export type Patch = Readonly<Record<string, string | undefined>>;

/**
 * The query of the address as state. A change of what is looked at makes an entry in the history; typing
 * into a filter (`replace`) does not.
 */
export function useQueryState(): readonly [
  URLSearchParams,
  (patch: Patch, options?: { readonly replace?: boolean }) => void,
] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (patch: Patch, options: { readonly replace?: boolean } = {}) => {
      // Of this moment: two changes may come from the same state of a screen.
      const next = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(patch))
        if (value === undefined || value === '') next.delete(name);
        else next.set(name, value);
      const text = next.toString();
      if (text === new URLSearchParams(location.search).toString()) return;
      navigate(text === '' ? location.pathname : `${location.pathname}?${text}`, {
        replace: options.replace === true,
      });
    },
    [navigate],
  );
  return [parameters, change];
}

/** One of these words, else the first. */
export const oneOf = <T extends string>(words: readonly T[], text: string | null): T =>
  words.find((word) => word === text) ?? words[0]!;
