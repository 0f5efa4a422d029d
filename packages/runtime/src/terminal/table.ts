import { displayWidth, pad } from './width.js';

/** Rows of cells as aligned lines; columns that are empty in every row are left out. */
export function tableLines(
  rows: readonly (readonly string[])[],
  options: { readonly indent?: string } = {},
): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, index) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), 0),
  );
  return rows.map((row) => {
    const cells = row.flatMap((cell, index) => (widths[index] === 0 ? [] : [pad(cell, widths[index]!)]));
    return `${options.indent ?? ''}${cells.join('  ')}`.trimEnd();
  });
}
