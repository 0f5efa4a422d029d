/**
 * How many terminal cells a text takes, and cutting it to a number of cells. Terminals differ on emoji
 * sequences; where they do, the larger answer is taken, since a footer line that is too long would wrap
 * and break the screen, and one that is too short would not.
 */

// eslint-disable-next-line no-control-regex
const SGR = /\u001b\[[0-9;:]*m/g;
// eslint-disable-next-line no-control-regex
const SGR_HERE = /\u001b\[[0-9;:]*m/y;
// eslint-disable-next-line no-control-regex
const ASCII = /^[\u0020-\u007e]*$/;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
const VARIATION_EMOJI = 0xfe0f;
const SOFT_HYPHEN = 0xad;

/** East Asian wide and full-width ranges (UAX #11) that are not emoji. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

/** Cells of one code point. */
function cells(point: number): number {
  if (point >= 0x20 && point < 0x7f) return 1;
  if (point === SOFT_HYPHEN) return 1;
  if (point < 0x300) return point < 0x20 || (point >= 0x7f && point < 0xa0) ? 0 : 1;
  if (point < 0x1100) return ZERO.test(String.fromCodePoint(point)) ? 0 : 1;
  for (const [from, to] of WIDE) if (point >= from && point <= to) return 2;
  const character = String.fromCodePoint(point);
  if (ZERO.test(character)) return 0;
  return EMOJI.test(character) ? 2 : 1;
}

export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  let previous = 0;
  for (const character of text.replace(SGR, '')) {
    const point = character.codePointAt(0)!;
    // A text symbol that asks to be shown as emoji becomes wide.
    if (point === VARIATION_EMOJI && previous === 1) width += 1;
    previous = point === VARIATION_EMOJI ? 0 : cells(point);
    width += previous;
  }
  return width;
}

const ELLIPSIS = '…';

/**
 * The text in at most `width` cells, with an ellipsis where something was cut. Colours do not count, and are
 * closed when the text was cut while one was open. Combining marks stay with their character.
 */
export function cut(text: string, width: number): string {
  if (width <= 0) return '';
  if (ASCII.test(text) && text.length <= width) return text;
  if (displayWidth(text) <= width) return text;
  const room = width - 1;
  let used = 0;
  let kept = '';
  let styled = false;
  let index = 0;
  let previous = 0;
  while (index < text.length) {
    SGR_HERE.lastIndex = index;
    const sgr = SGR_HERE.exec(text);
    if (sgr !== null) {
      styled = true;
      kept += sgr[0];
      index += sgr[0].length;
      continue;
    }
    const point = text.codePointAt(index)!;
    const character = String.fromCodePoint(point);
    const size = point === VARIATION_EMOJI && previous === 1 ? 1 : cells(point);
    if (used + size > room) break;
    used += size;
    kept += character;
    previous = point === VARIATION_EMOJI ? 0 : size;
    index += character.length;
  }
  return `${kept}${ELLIPSIS}${styled ? '\u001b[0m' : ''}`;
}

/** The text, and blanks up to `width` cells. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return side === 'right' ? text + blanks : blanks + text;
}
