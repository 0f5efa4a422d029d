/**
 * Orders nodes so that parents come before children; among those that are ready, the earlier declared
 * one comes first. Nodes are numbers, their place in the declaration. Nodes on a cycle, and what
 * depends on them, are left out: `order` is shorter then.
 */
export function topologicalOrder(parents: readonly (readonly number[])[]): {
  readonly order: readonly number[];
  readonly children: readonly (readonly number[])[];
} {
  const children: number[][] = parents.map(() => []);
  const waiting = parents.map((list) => list.length);
  for (const [node, list] of parents.entries()) for (const parent of list) children[parent]?.push(node);
  const ready = new SmallestFirst();
  for (const [node, count] of waiting.entries()) if (count === 0) ready.push(node);
  const order: number[] = [];
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    order.push(node);
    for (const child of children[node] ?? []) {
      const left = (waiting[child] ?? 0) - 1;
      waiting[child] = left;
      if (left === 0) ready.push(child);
    }
  }
  return { order, children };
}

/**
 * Cycles among the nodes that could not be ordered, each as its nodes from the earliest declared one,
 * in the direction of the data (the first feeds the second). Every such node has such a parent, so
 * walking up along one parent each must come round; what a former walk passed is not walked again.
 */
export function findCycles(
  parents: readonly (readonly number[])[],
  ordered: readonly number[],
): readonly (readonly number[])[] {
  const left = new Set(parents.keys());
  for (const node of ordered) left.delete(node);
  const walkOf = new Map<number, number>();
  const cycles: number[][] = [];
  for (const start of left) {
    const trail: number[] = [];
    let node: number | undefined = start;
    while (node !== undefined && !walkOf.has(node)) {
      walkOf.set(node, start);
      trail.push(node);
      node = parents[node]?.find((parent) => left.has(parent));
    }
    if (node === undefined || walkOf.get(node) !== start) continue;
    const cycle = trail.slice(trail.indexOf(node)).reverse();
    const first = cycle.indexOf(minimum(cycle));
    cycles.push([...cycle.slice(first), ...cycle.slice(0, first)]);
  }
  return cycles;
}

// Not Math.min(...list): a list of 100,000 arguments overflows the stack.
const minimum = (list: readonly number[]): number =>
  list.reduce((least, item) => (item < least ? item : least), Infinity);

/** A binary heap of numbers. */
class SmallestFirst {
  private readonly heap: number[] = [];

  push(value: number): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(value);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = heap[up] as number;
      if (above <= value) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = value;
  }

  pop(): number | undefined {
    const { heap } = this;
    const smallest = heap[0];
    const value = heap.pop();
    if (value === undefined || heap.length === 0) return smallest;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && (heap[down + 1] as number) < (heap[down] as number)) down++;
      if ((heap[down] as number) >= value) break;
      heap[at] = heap[down] as number;
      at = down;
    }
    heap[at] = value;
    return smallest;
  }
}
