import type { RefObject } from 'react';
import { useKeys } from './keys.js';

/** `j` and `k`: from one row (`data-row`) of a list to the next, to what each is opened with. */
export function useRowKeys(list: RefObject<HTMLElement | null>): void {
  const move = (by: 1 | -1): void => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const to = at < 0 ? (by === 1 ? 0 : rows.length - 1) : at + by;
    rows[to]?.querySelector<HTMLElement>('a, button')?.focus();
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
}
