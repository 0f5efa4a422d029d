import type { CardGraph } from './cards.js';

/** Everything before and after a card, with the edges between. */
export function relatives(
  graph: CardGraph,
  start: number,
): { readonly cards: ReadonlySet<number>; readonly edges: readonly number[] } {
  const before = reach(graph, start, 'parents');
  const after = reach(graph, start, 'children');
  const edges: number[] = [];
  for (const [index, [from, to]] of graph.edges.entries())
    if ((before.has(from) && before.has(to)) || (after.has(from) && after.has(to))) edges.push(index);
  return { cards: new Set([...before, ...after]), edges };
}

function reach(graph: CardGraph, start: number, way: 'parents' | 'children'): ReadonlySet<number> {
  const found = new Set([start]);
  for (const card of found) for (const next of graph.cards[card]?.[way] ?? []) found.add(next);
  return found;
}

/** Where an arrow key leads from a card: along an edge, or to the neighbour in the same column. */
export function neighbour(
  graph: CardGraph,
  at: { readonly xs: Float64Array; readonly ys: Float64Array },
  from: number,
  key: string,
): number | undefined {
  const y = at.ys[from] ?? 0;
  const nearest = (cards: readonly number[]): number | undefined =>
    cards.reduce<number | undefined>(
      (best, card) =>
        best === undefined || Math.abs((at.ys[card] ?? 0) - y) < Math.abs((at.ys[best] ?? 0) - y)
          ? card
          : best,
      undefined,
    );
  switch (key) {
    case 'ArrowRight':
      return nearest(graph.cards[from]?.children ?? []);
    case 'ArrowLeft':
      return nearest(graph.cards[from]?.parents ?? []);
    case 'ArrowUp':
    case 'ArrowDown': {
      const way = key === 'ArrowDown' ? 1 : -1;
      const column = graph.cards
        .map((_, card) => card)
        .filter((card) => at.xs[card] === at.xs[from] && ((at.ys[card] ?? 0) - y) * way > 0);
      return nearest(column);
    }
    case 'Home':
      return 0;
    case 'End':
      return graph.cards.length - 1;
    default:
      return undefined;
  }
}
