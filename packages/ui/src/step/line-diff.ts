/** A line of a comparison: in both, only before, only now. */
export interface DiffLine {
  readonly change: 'same' | 'added' | 'removed';
  readonly text: string;
  /** Number of the line in the text it stands in, from 0. */
  readonly before?: number;
  readonly now?: number;
}

/** Beyond this many pairs of lines the middle is shown as replaced: it costs their product. */
const MOST_PAIRS = 4_000_000;

/** The longest common lines stay; the shortest way from one text to the other around them. */
export function diffLines(before: readonly string[], now: readonly string[]): readonly DiffLine[] {
  let head = 0;
  while (head < before.length && head < now.length && before[head] === now[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < now.length - head &&
    before[before.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++;
  const same = (index: number, shift: number): DiffLine => ({
    change: 'same',
    text: before[index]!,
    before: index,
    now: index + shift,
  });
  return [
    ...Array.from({ length: head }, (_, index) => same(index, 0)),
    ...middle(before.slice(head, before.length - tail), now.slice(head, now.length - tail), head),
    ...Array.from({ length: tail }, (_, index) =>
      same(before.length - tail + index, now.length - before.length),
    ),
  ];
}

function middle(before: readonly string[], now: readonly string[], from: number): readonly DiffLine[] {
  const removed = (index: number): DiffLine => ({
    change: 'removed',
    text: before[index]!,
    before: from + index,
  });
  const added = (index: number): DiffLine => ({ change: 'added', text: now[index]!, now: from + index });
  if (before.length * now.length > MOST_PAIRS || before.length === 0 || now.length === 0)
    return [...before.map((_, index) => removed(index)), ...now.map((_, index) => added(index))];
  // lengths[i][j]: the longest common subsequence of what follows.
  const width = now.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        before[i] === now[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < now.length) {
    if (i < before.length && j < now.length && before[i] === now[j]) {
      lines.push({ change: 'same', text: before[i]!, before: from + i, now: from + j });
      i++;
      j++;
    } else if (
      j >= now.length ||
      (i < before.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    )
      lines.push(removed(i++));
    else lines.push(added(j++));
  }
  return lines;
}
