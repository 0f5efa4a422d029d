/** A stretch of console text with one look. `fg`/`bg`: 0–15 of the palette, or a colour of its own. */
export interface Span {
  readonly text: string;
  readonly fg?: number | string;
  readonly bg?: number | string;
  readonly bold?: true;
  readonly dim?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly strike?: true;
}
export type Look = Omit<Span, 'text'>;

/** How text looks that nothing has coloured. */
export const PLAIN: Look = {};

/**
 * Control sequences (ECMA-48): the ones that colour are understood, all others dropped: nothing of a
 * console moves a cursor, sets a title or makes a link here. `\u009b` is a CSI of one character.
 */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /(?:\u001b\[|\u009b)([0-?]*)([ -/]*)([@-~])|\u001b\][\s\S]*?(?:\u0007|\u001b\\|$)|\u001b[PX^_][\s\S]*?(?:\u001b\\|$)|\u001b[ -/]*[0-~]|\u001b/g;
// oxlint-disable-next-line no-control-regex -- all but the tab
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

const hasSequence = (text: string): boolean => text.includes('\u001b') || text.includes('\u009b');

/** A line as spans. `begins`: as the line before left it. */
export function ansiSpans(text: string, begins: Look = PLAIN): readonly Span[] {
  if (!hasSequence(text)) return text === '' ? [] : [{ text: visible(text), ...begins }];
  const spans: Span[] = [];
  let look = begins;
  let from = 0;
  const add = (to: number): void => {
    if (to > from) spans.push({ text: visible(text.slice(from, to)), ...look });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    add(match.index);
    from = match.index + match[0].length;
    if (match[3] === 'm' && match[2] === '') look = recoloured(look, match[1] ?? '');
  }
  add(text.length);
  return spans;
}

/** How a line leaves what follows it. */
export function lookAfter(text: string, begins: Look): Look {
  if (!hasSequence(text)) return begins;
  let look = begins;
  for (const match of text.matchAll(SEQUENCE))
    if (match[3] === 'm' && match[2] === '') look = recoloured(look, match[1] ?? '');
  return Object.keys(look).length === 0 ? PLAIN : look;
}

/** The text without any sequence: what is searched and copied. */
export const plainText = (text: string): string =>
  hasSequence(text) ? visible(text.replace(SEQUENCE, '')) : visible(text);

/** A control character is seen, and does nothing. */
const visible = (text: string): string =>
  text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\ufffd';
  });

function recoloured(before: Look, parameters: string): Look {
  const codes =
    parameters === '' ? [0] : parameters.split(/[;:]/).map((part) => (part === '' ? 0 : Number(part)));
  let look: { -readonly [Key in keyof Look]: Look[Key] } = { ...before };
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index]!;
    if (code === 0) look = {};
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 9) look.strike = true;
    else if (code === 22) {
      delete look.bold;
      delete look.dim;
    } else if (code === 23) delete look.italic;
    else if (code === 24) delete look.underline;
    else if (code === 29) delete look.strike;
    else if (code >= 30 && code <= 37) look.fg = code - 30;
    else if (code >= 90 && code <= 97) look.fg = code - 90 + 8;
    else if (code === 39) delete look.fg;
    else if (code >= 40 && code <= 47) look.bg = code - 40;
    else if (code >= 100 && code <= 107) look.bg = code - 100 + 8;
    else if (code === 49) delete look.bg;
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes, index + 1);
      index += used;
      if (colour !== undefined) look[code === 38 ? 'fg' : 'bg'] = colour;
    }
  }
  return look;
}

/** `5;n` of 256 colours, `2;r;g;b`. */
function extended(
  codes: readonly number[],
  at: number,
): { readonly colour?: number | string; readonly used: number } {
  const part = (offset: number): number => Math.min(255, Math.max(0, codes[at + offset] ?? 0));
  if (codes[at] === 5) {
    const index = part(1);
    if (index < 16) return { colour: index, used: 2 };
    if (index >= 232) {
      const grey = 8 + (index - 232) * 10;
      return { colour: `rgb(${grey} ${grey} ${grey})`, used: 2 };
    }
    const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
    const cube = index - 16;
    return {
      colour: `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`,
      used: 2,
    };
  }
  if (codes[at] === 2) return { colour: `rgb(${part(1)} ${part(2)} ${part(3)})`, used: 4 };
  return { used: 0 };
}
