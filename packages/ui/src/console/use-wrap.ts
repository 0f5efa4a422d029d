import { useState } from 'react';

const KEY = 'run-pipeline.wrap';

/** Whether long lines are wrapped: how this reader likes it, kept by the browser. */
export function useWrap(): readonly [boolean, (wrap: boolean) => void] {
  const [wrap, setWrap] = useState(() => {
    try {
      return localStorage.getItem(KEY) === '1';
    } catch {
      return false;
    }
  });
  return [
    wrap,
    (next) => {
      setWrap(next);
      try {
        localStorage.setItem(KEY, next ? '1' : '');
      } catch {
        // A browser that keeps nothing.
      }
    },
  ];
}
