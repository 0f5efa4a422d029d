/** The live changes of what is shown: one stream for all tabs of a browser. */
import { useEffect, useSyncExternalStore } from 'react';
import type { StreamMessage } from '@run-pipeline/core/wire';
import type { LinkState } from './connection.js';
import { StreamClient } from './stream-client.js';
import { NOTHING, type Subscription } from './subscription.js';

export { logKey, NOTHING, type Subscription } from './subscription.js';
export type { LinkState } from './connection.js';

export const stream = new StreamClient();

export const useLinkState = (): LinkState => useSyncExternalStore(stream.onState, stream.state);

/** Messages while mounted. `listener` must be stable. */
export function useStream(
  wanted: Partial<Subscription> | undefined,
  listener: (message: StreamMessage) => void,
): void {
  const key = JSON.stringify(wanted ?? null);
  useEffect(() => {
    const parsed = JSON.parse(key) as Partial<Subscription> | null;
    return parsed === null ? undefined : stream.follow({ ...NOTHING, ...parsed }, listener);
  }, [key, listener]);
}
