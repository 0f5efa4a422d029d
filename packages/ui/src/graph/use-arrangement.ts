import { useEffect, useMemo, useState } from 'react';
import { arrange, type Arrangement } from './arrange.js';
import type { CardGraph } from './cards.js';
import type { LayoutReply, LayoutRequest } from './layout.worker.js';

/** So few take less time than starting a Worker does. */
const AT_ONCE = 150;

let worker: Worker | undefined;
let asked = 0;
/** Whoever comes back to a graph finds it as it was. */
const done = new WeakMap<CardGraph, Arrangement>();
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
  const direct = useMemo((): Arranged | undefined => {
    const known = done.get(graph);
    if (known !== undefined) return { graph, at: known };
    if (!small) return undefined;
    const at = arrange(graph.cards.length, graph.edges);
    done.set(graph, at);
    return { graph, at };
  }, [small, graph]);
  const [later, setLater] = useState<Arranged>();
  useEffect(() => {
    if (direct !== undefined) return undefined;
    return inWorker({ count: graph.cards.length, edges: graph.edges }, (at) => {
      done.set(graph, at);
      setLater({ graph, at });
    });
  }, [direct, graph]);
  return direct ?? later;
}

export interface Arranged {
  readonly graph: CardGraph;
  readonly at: Arrangement;
}
