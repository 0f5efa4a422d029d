/**
 * A layered layout for graphs whose edges point forward: longest-path layers, barycentre sweeps against
 * crossings, and pool-adjacent-violators for positions, which is the exact least-squares answer to "as
 * near to its neighbours as the gaps allow". Long edges run through a bend in every layer between.
 *
 * Layers go left to right (`x`), nodes of one layer top to bottom (`y`). Deterministic; costs
 * O(nodes + bends) a sweep.
 */
export interface Layout {
  /** Centres, in the order of the nodes given. */
  readonly nodes: readonly Point[];
  /**
   * For every edge, in the order given, the points it passes, from the centre of its start to that of
   * its end. It crosses a column level, and changes its height only in the gaps between columns.
   */
  readonly edges: readonly (readonly Point[])[];
  readonly width: number;
  readonly height: number;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LayoutOptions {
  /** One for each node. */
  readonly widths: readonly number[];
  readonly height: number;
  readonly gapX: number;
  readonly gapY: number;
}

const SWEEPS = 8;
/** Beyond this many bends the picture is unreadable anyway: edges are drawn straight. */
const MOST_BENDS = 20_000;
/** Vertical room of an edge that passes a layer. */
const BEND_HEIGHT = 8;

/** @param edges Pairs of node numbers, parent first. The graph has no cycles. */
export function layeredLayout(edges: readonly (readonly [number, number])[], options: LayoutOptions): Layout {
  const nodes = options.widths.length;
  const layers = longestPathLayers(nodes, edges);
  const mesh = withBends(nodes, layers, edges);
  const rows = orderRows(mesh);
  const ys = positions(mesh, rows, nodes, options);
  const { xs, halves, width } = columns(layers, options);
  const top = ys.reduce((least, y) => Math.min(least, y), Infinity);
  const bottom = ys.reduce((most, y) => Math.max(most, y), -Infinity);
  const pointOf = (place: number): Point => ({
    x: xs[mesh.layer[place] ?? 0] ?? 0,
    y: (ys[place] ?? 0) - top + options.height / 2,
  });
  const across = (place: number, at: number, path: readonly number[]): readonly Point[] => {
    const { x, y } = pointOf(place);
    const half = halves[mesh.layer[place] ?? 0] ?? 0;
    const left = { x: x - half, y };
    const right = { x: x + half, y };
    if (at === 0) return [{ x, y }, right];
    return at === path.length - 1 ? [left, { x, y }] : [left, right];
  };
  return {
    nodes: options.widths.map((_, node) => pointOf(node)),
    edges: mesh.paths.map((path) => path.flatMap(across)),
    width,
    height: nodes === 0 ? 0 : bottom - top + options.height,
  };
}

function longestPathLayers(nodes: number, edges: readonly (readonly [number, number])[]): readonly number[] {
  const children: number[][] = Array.from({ length: nodes }, () => []);
  const waiting = filled(nodes, 0);
  for (const [from, to] of edges) {
    children[from]?.push(to);
    waiting[to] = (waiting[to] ?? 0) + 1;
  }
  const layer = filled(nodes, 0);
  const isSource = waiting.map((count) => count === 0);
  const open = [...waiting.keys()].filter((node) => isSource[node]);
  for (const node of open) {
    for (const child of children[node] ?? []) {
      layer[child] = Math.max(layer[child] ?? 0, (layer[node] ?? 0) + 1);
      waiting[child] = (waiting[child] ?? 0) - 1;
      if (waiting[child] === 0) open.push(child);
    }
  }
  // Sources stand beside their first child, not at the far left.
  for (const node of open) {
    if (!isSource[node] || children[node]?.length === 0) continue;
    layer[node] =
      (children[node] ?? []).reduce((least, child) => Math.min(least, layer[child] ?? 0), Infinity) - 1;
  }
  return layer;
}

/** Nodes and bends as places, each with its layer and its neighbours in the layers beside it. */
interface Mesh {
  readonly layer: readonly number[];
  readonly before: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
  /** The places of every edge, both ends included. */
  readonly paths: readonly (readonly number[])[];
}

function withBends(
  nodes: number,
  layers: readonly number[],
  edges: readonly (readonly [number, number])[],
): Mesh {
  const layer = [...layers];
  const before: number[][] = Array.from({ length: nodes }, () => []);
  const after: number[][] = Array.from({ length: nodes }, () => []);
  const span = ([from, to]: readonly [number, number]): number => (layers[to] ?? 0) - (layers[from] ?? 0);
  const bends = edges.reduce((sum, edge) => sum + Math.max(0, span(edge) - 1), 0);
  const paths = edges.map((edge) => {
    const [from, to] = edge;
    const path = [from];
    for (let step = 1; step < span(edge) && bends <= MOST_BENDS; step++) {
      path.push(layer.length);
      layer.push((layers[from] ?? 0) + step);
      before.push([]);
      after.push([]);
    }
    path.push(to);
    for (let index = 1; index < path.length; index++) {
      after[path[index - 1] ?? 0]?.push(path[index] ?? 0);
      before[path[index] ?? 0]?.push(path[index - 1] ?? 0);
    }
    return path;
  });
  return { layer, before, after, paths };
}

/** The places of every layer from top to bottom, with few crossings: the best of some sweeps. */
function orderRows(mesh: Mesh): readonly (readonly number[])[] {
  let rows: number[][] = [];
  for (const [place, layer] of mesh.layer.entries()) {
    while (rows.length <= layer) rows.push([]);
    rows[layer]?.push(place);
  }
  const rank = filled(mesh.layer.length, 0);
  const setRanks = (row: readonly number[]): void => {
    for (const [index, place] of row.entries()) rank[place] = index;
  };
  for (const row of rows) setRanks(row);
  let best = rows;
  let fewest = crossings(mesh, rows, rank);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const forward = sweep % 2 === 0;
    const neighbours = forward ? mesh.before : mesh.after;
    const next = [...rows];
    for (let step = 0; step < next.length; step++) {
      const at = forward ? step : next.length - 1 - step;
      const centre = new Map(
        (next[at] ?? []).map((place) => [place, mean(neighbours[place] ?? [], rank) ?? rank[place] ?? 0]),
      );
      const row = [...(next[at] ?? [])].sort(
        (a, b) => (centre.get(a) ?? 0) - (centre.get(b) ?? 0) || (rank[a] ?? 0) - (rank[b] ?? 0),
      );
      next[at] = row;
      setRanks(row);
    }
    rows = next;
    const count = crossings(mesh, rows, rank);
    if (count < fewest) {
      fewest = count;
      best = rows;
    }
  }
  return best;
}

/** Inversions of the lower ends when edges are sorted by their upper ends, counted with a Fenwick tree. */
function crossings(mesh: Mesh, rows: readonly (readonly number[])[], rank: readonly number[]): number {
  let count = 0;
  for (const [index, row] of rows.entries()) {
    const tree = filled((rows[index + 1]?.length ?? 0) + 1, 0);
    let seen = 0;
    for (const place of row) {
      const ends = (mesh.after[place] ?? [])
        .filter((other) => mesh.layer[other] === index + 1)
        .map((other) => rank[other] ?? 0)
        .sort((a, b) => a - b);
      for (const end of ends) {
        let notAfter = 0;
        for (let i = end + 1; i > 0; i -= i & -i) notAfter += tree[i] ?? 0;
        count += seen - notAfter;
        seen++;
        for (let i = end + 1; i < tree.length; i += i & -i) tree[i] = (tree[i] ?? 0) + 1;
      }
    }
  }
  return count;
}

function positions(
  mesh: Mesh,
  rows: readonly (readonly number[])[],
  nodes: number,
  options: LayoutOptions,
): number[] {
  const size = (place: number): number => (place < nodes ? options.height : BEND_HEIGHT);
  const ys = filled(mesh.layer.length, 0);
  /** For every row, the offset of each place from the first, packed as tightly as allowed. */
  const packed = rows.map((row) => {
    let offset = 0;
    return row.map((place, index) => {
      const above = row[index - 1];
      if (above !== undefined) offset += (size(above) + size(place)) / 2 + options.gapY;
      return offset;
    });
  });
  for (const [index, row] of rows.entries()) {
    const offsets = packed[index] ?? [];
    const middle = (offsets[offsets.length - 1] ?? 0) / 2;
    for (const [at, place] of row.entries()) ys[place] = (offsets[at] ?? 0) - middle;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (let step = 0; step < rows.length; step++) {
      const index = forward ? step : rows.length - 1 - step;
      const row = rows[index] ?? [];
      const neighbours = forward ? mesh.before : mesh.after;
      const wanted = row.map((place) => mean(neighbours[place] ?? [], ys) ?? ys[place] ?? 0);
      // Bends follow: a straight node matters more than a straight edge.
      const weights = row.map((place) => (place < nodes ? 4 : 1));
      for (const [at, y] of spread(wanted, packed[index] ?? [], weights).entries()) ys[row[at] ?? 0] = y;
    }
  }
  return ys;
}

/** Positions nearest to the wanted ones that keep the packed distances: pool adjacent violators. */
function spread(
  wanted: readonly number[],
  offsets: readonly number[],
  weights: readonly number[],
): readonly number[] {
  const blocks: { value: number; weight: number; count: number }[] = [];
  for (const [index, want] of wanted.entries()) {
    let block = { value: want - (offsets[index] ?? 0), weight: weights[index] ?? 1, count: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.value >= block.value; last = blocks.at(-1)) {
      const weight = last.weight + block.weight;
      const value = (last.value * last.weight + block.value * block.weight) / weight;
      block = { value, weight, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  return blocks
    .flatMap(({ value, count }) => filled(count, value))
    .map((value, index) => value + (offsets[index] ?? 0));
}

/** The centre of every layer, each as wide as its widest node. */
function columns(
  layers: readonly number[],
  options: LayoutOptions,
): { readonly xs: readonly number[]; readonly halves: readonly number[]; readonly width: number } {
  const widest: number[] = [];
  for (const [node, layer] of layers.entries())
    widest[layer] = Math.max(widest[layer] ?? 0, options.widths[node] ?? 0);
  let left = 0;
  const xs = Array.from(widest, (width = 0) => {
    const centre = left + width / 2;
    left += width + options.gapX;
    return centre;
  });
  return {
    xs,
    halves: Array.from(widest, (width = 0) => width / 2),
    width: Math.max(0, left - options.gapX),
  };
}

function mean(places: readonly number[], of: readonly number[]): number | undefined {
  if (places.length === 0) return undefined;
  return places.reduce((sum, place) => sum + (of[place] ?? 0), 0) / places.length;
}

const filled = (length: number, value: number): number[] => Array.from({ length }, () => value);
