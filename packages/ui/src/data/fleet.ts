import { useCallback, useRef } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { StreamMessage } from '@run-pipeline/core/wire';
import { useStream } from './stream/index.js';

const FLEET = { fleet: true };
/** Reading it again, at most so often. */
const REFRESH_MS = 400;

/** While mounted, what is shown of tasks, queues and agents is read again when it changed. */
export function useFleet(): void {
  const client = useQueryClient();
  const waiting = useRef(false);
  const hear = useCallback(
    ({ type }: StreamMessage) => {
      if (type !== 'fleet' || waiting.current) return;
      waiting.current = true;
      setTimeout(() => {
        waiting.current = false;
        void client.invalidateQueries({
          predicate: ({ queryKey }) => /^GET \/api\/(?:tasks|queues|agents)/.test(String(queryKey[0])),
        });
      }, REFRESH_MS);
    },
    [client],
  );
  useStream(FLEET, hear);
}
