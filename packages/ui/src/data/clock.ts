import { useSyncExternalStore } from 'react';

/**
 * The server's clock: elapsed times are told by it, not by the browser's, which may be off. One timer
 * for everything that shows a time that goes on.
 */
let offset = 0;

/** The server said what time it is. Half a second of travel makes no difference to what is shown. */
export function setServerTime(iso: string): void {
  const time = Date.parse(iso);
  if (Number.isFinite(time)) offset = time - Date.now();
}

export const serverNow = (): number => Date.now() + offset;

function ticker(everyMs: number) {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let now = 0;
  return {
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      timer ??= setInterval(() => {
        now = serverNow();
        for (const each of listeners) each();
      }, everyMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
        now = 0;
      };
    },
    // The same within a tick, so that React sees one value.
    read(): number {
      if (now === 0) now = serverNow();
      return now;
    },
  };
}

const seconds = ticker(1000);
const minutes = ticker(15_000);
const never = (): (() => void) => () => undefined;

/** Milliseconds since 1970; draws again every second. Idle when nothing goes on. */
export const useSeconds = (goesOn = true): number =>
  useSyncExternalStore(goesOn ? seconds.subscribe : never, goesOn ? seconds.read : minutes.read);

/** For `3 min ago`. */
export const useMinutes = (): number => useSyncExternalStore(minutes.subscribe, minutes.read);
