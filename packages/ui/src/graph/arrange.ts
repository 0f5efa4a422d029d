import { layeredLayout } from '@run-pipeline/core/graph';

export const CARD_WIDTH = 212;
export const CARD_HEIGHT = 52;
const GAP_X = 56;
const GAP_Y = 16;
/** Between parts that no edge joins. */
const GAP_PARTS = 40;

export interface Arrangement {
  /** Left upper corners of the cards, in their order. */
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** All edges as one path. */
  readonly path: string;
  /** Each edge alone, for highlighting. */
  readonly edges: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** Places for all cards: every connected part by layers, the parts below each other. */
export function arrange(count: number, edges: readonly (readonly [number, number])[]): Arrangement {
  const xs = new Float64Array(count);
  const ys = new Float64Array(count);
  const paths: string[] = Array.from({ length: edges.length }, () => '');
  let width = 0;
  let top = 0;
  for (const part of connectedParts(count, edges)) {
    const local = new Map(part.cards.map((card, index) => [card, index]));
    const layout = layeredLayout(
      part.edges.map((edge) => [local.get(edges[edge]![0])!, local.get(edges[edge]![1])!] as const),
      { widths: part.cards.map(() => CARD_WIDTH), height: CARD_HEIGHT, gapX: GAP_X, gapY: GAP_Y },
    );
    for (const [index, card] of part.cards.entries()) {
      xs[card] = (layout.nodes[index]?.x ?? 0) - CARD_WIDTH / 2;
      ys[card] = (layout.nodes[index]?.y ?? 0) - CARD_HEIGHT / 2 + top;
    }
    for (const [index, edge] of part.edges.entries()) paths[edge] = curve(layout.edges[index] ?? [], top);
    width = Math.max(width, layout.width);
    top += layout.height + GAP_PARTS;
  }
  return { xs, ys, path: paths.join(''), edges: paths, width, height: Math.max(0, top - GAP_PARTS) };
}

/** Parts that edges join, the largest first; cards without any edge beside each other would be parts too. */
function connectedParts(
  count: number,
  edges: readonly (readonly [number, number])[],
): readonly { readonly cards: number[]; readonly edges: number[] }[] {
  const root = Array.from({ length: count }, (_, index) => index);
  const find = (at: number): number => {
    let top = at;
    while (root[top] !== top) top = root[top]!;
    for (let walk = at; root[walk] !== top;) [walk, root[walk]] = [root[walk]!, top];
    return top;
  };
  for (const [from, to] of edges) root[find(from)] = find(to);
  const parts = new Map<number, { cards: number[]; edges: number[] }>();
  for (let card = 0; card < count; card++) {
    const key = find(card);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { cards: [card], edges: [] });
    else part.cards.push(card);
  }
  for (const [edge, [from]] of edges.entries()) parts.get(find(from))?.edges.push(edge);
  return [...parts.values()].sort((a, b) => b.cards.length - a.cards.length);
}

/** Level at every point; drawn from card's edge to card's edge, since the cards cover what is below them. */
function curve(points: readonly { readonly x: number; readonly y: number }[], top: number): string {
  let path = '';
  let last: { readonly x: number; readonly y: number } | undefined;
  for (const point of points) {
    const y = round(point.y + top);
    if (last === undefined) path += `M${round(point.x)} ${y}`;
    else if (last.y === point.y) path += `H${round(point.x)}`;
    else {
      const middle = round((last.x + point.x) / 2);
      path += `C${middle} ${round(last.y + top)} ${middle} ${y} ${round(point.x)} ${y}`;
    }
    last = point;
  }
  return path;
}

const round = (value: number): number => Math.round(value * 10) / 10;
