import { cut, displayWidth, pad } from './width.js';

const LEAST = 12;

/** Rows of cells as aligned lines; columns that are empty in every row are left out. */
export function tableLines(
  rows: readonly (readonly string[])[],
  options: {
    readonly indent?: string;
    /** Of the terminal: the last cell ends there, as long as that leaves something of it. */
    readonly columns?: number | undefined;
  } = {},
): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, index) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), 0),
  );
  const indent = options.indent ?? '';
  const before = widths
    .slice(0, -1)
    .reduce((sum, width) => sum + (width === 0 ? 0 : width + 2), indent.length);
  const room = Math.max(LEAST, (options.columns ?? Infinity) - before);
  return rows.map((row) => {
    const cells = row.flatMap((cell, index) => {
      if (widths[index] === 0) return [];
      return [index === columns - 1 ? cut(cell, room) : pad(cell, widths[index]!)];
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}
