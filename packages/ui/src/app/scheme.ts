import { useState } from 'react';

/** Light, dark, or as the system has it. A preference of this browser: not in the address. */
export const SCHEMES = ['system', 'light', 'dark'] as const;
export type Scheme = (typeof SCHEMES)[number];
const KEY = 'run-pipeline.scheme';

function read(): Scheme {
  try {
    return SCHEMES.find((scheme) => scheme === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

export function applyScheme(scheme: Scheme = read()): void {
  if (scheme === 'system') delete document.documentElement.dataset['scheme'];
  else document.documentElement.dataset['scheme'] = scheme;
}

export function useScheme(): readonly [Scheme, () => void] {
  const [scheme, setScheme] = useState(read);
  const next = (): void => {
    const following = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length] ?? 'system';
    try {
      localStorage.setItem(KEY, following);
    } catch {
      // A browser that keeps nothing: until it is closed.
    }
    applyScheme(following);
    setScheme(following);
  };
  return [scheme, next];
}
