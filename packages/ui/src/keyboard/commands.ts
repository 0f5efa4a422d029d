import { useEffect, useRef, useSyncExternalStore } from 'react';

/** Something the palette offers. */
export interface Command {
  readonly id: string;
  readonly label: string;
  /** What kind of thing it is: `Go to`, `Step`, `Action`. */
  readonly group: string;
  readonly hint?: string;
  readonly keys?: string;
  readonly run: () => void;
}

/** The commands of the screens that are mounted. They are asked for when the palette opens. */
const sources = new Set<{ readonly current: () => readonly Command[] }>();

export function useCommands(commands: () => readonly Command[]): void {
  const ref = useRef(commands);
  useEffect(() => {
    ref.current = commands;
  });
  useEffect(() => {
    sources.add(ref);
    return () => {
      sources.delete(ref);
    };
  }, []);
}

export const allCommands = (): readonly Command[] => [...sources].flatMap(({ current }) => current());

/** What lies over the page: one at a time. */
export type Overlay = 'palette' | 'help' | undefined;
let overlay: Overlay;
const listeners = new Set<() => void>();

export function openOverlay(next: Overlay): void {
  overlay = next;
  for (const listener of listeners) listener();
}

export const useOverlay = (): Overlay =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => overlay,
  );
