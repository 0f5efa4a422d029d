import type { RunOptions } from '@run-pipeline/core/define';

/** Where controllers go when nobody says otherwise. */
export const DEFAULT_CONTROLLER_QUEUE = 'services';

/** The queue of the controller that `run(…, { remote })` and `start({ queue })` ask for. */
export function remoteQueue({ remote }: Pick<RunOptions, 'remote'>): string | undefined {
  if (remote === undefined || remote === false) return undefined;
  return remote === true ? DEFAULT_CONTROLLER_QUEUE : remote;
}
