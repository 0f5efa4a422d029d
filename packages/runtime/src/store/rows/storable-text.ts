/**
 * A text as a database keeps it: one takes NUL for its end, another refuses it. The sign of what cannot be shown
 * takes its place, in what is written as in what is looked for. (JSON has none: it writes `\u0000`.)
 */
export const storableText = (text: string): string =>
  text.includes('\0') ? text.replaceAll('\0', '\u{FFFD}') : text;
