import { useEffect, useSyncExternalStore } from 'react';
import styles from './notice.module.css';

/** One sentence about what was just done; it goes by itself. */
let current: { readonly text: string } | undefined;
const listeners = new Set<() => void>();
const SHOWN_MS = 6000;

function set(next: typeof current): void {
  current = next;
  for (const listener of listeners) listener();
}

const notify = (text: string): void => set({ text });

export const useNotice = (): ((text: string) => void) => notify;

export function Notice() {
  const notice = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  useEffect(() => {
    if (notice === undefined) return undefined;
    const timer = setTimeout(() => set(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div role="status" className={styles.place}>
      {notice === undefined ? null : <p className={styles.notice}>{notice.text}</p>}
    </div>
  );
}
