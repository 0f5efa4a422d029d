import { setMaxListeners } from 'node:events';
import type { RunStop, Stop } from '../context.js';

/** The first request counts; later ones change nothing. */
export function createRunStop(): RunStop {
  const controller = new AbortController();
  // Every step that is executed, or waits for an agent, listens.
  setMaxListeners(0, controller.signal);
  let current: Stop | undefined;
  return {
    signal: controller.signal,
    current: () => current,
    request(stop) {
      if (current !== undefined) return;
      current = stop;
      controller.abort(stop);
    },
  };
}
