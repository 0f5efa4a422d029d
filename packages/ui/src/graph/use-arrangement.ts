import { useEffect, useMemo, useState } from 'react';
import { arrange, type Arrangement } from './arrange.js';
import type { CardGraph } from './cards.js';
import type { LayoutReply, LayoutRequest } from './layout.worker.js';

/** So few take less time than starting a Worker does. */
const AT_ONCE = 150;

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, (arrangement: Arrangement) => void>();

function inWorker(request: Omit<LayoutRequest, 'id'>, done: (arrangement: Arrangement) => void): () => void {
  if (worker === undefined) {
    worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<LayoutReply>) => {
      waiting.get(data.id)?.(data.arrangement);
      waiting.delete(data.id);
    });
  }
  const id = asked++;
  waiting.set(id, done);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker's has none
  worker.postMessage({ id, ...request } satisfies LayoutRequest);
  return () => waiting.delete(id);
}

/**
 * Where the cards stand. It depends on nodes and edges alone: a change of a status moves nothing. Until
 * a larger graph is arranged, what was arranged last is shown.
 */
export function useArrangement(graph: CardGraph): Arranged | undefined {
  const small = graph.cards.length <= AT_ONCE;
  const direct = useMemo(
    () => (small ? { graph, at: arrange(graph.cards.length, graph.edges) } : undefined),
    [small, graph],
  );
  const [later, setLater] = useState<Arranged>();
  useEffect(() => {
    if (small) return undefined;
    return inWorker({ count: graph.cards.length, edges: graph.edges }, (at) => setLater({ graph, at }));
  }, [small, graph]);
  return direct ?? later;
}

export interface Arranged {
  readonly graph: CardGraph;
  readonly at: Arrangement;
}
