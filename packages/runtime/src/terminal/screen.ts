import { cut, displayWidth } from './width.js';

/** What a screen writes to: process.stdout, or a test's terminal. */
export interface ScreenOutput {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

const ESC = '\u001b[';
// Synchronised output: the terminal shows the frame at once (unknown to a terminal, it is ignored).
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;
const HIDE_CURSOR = `${ESC}?25l`;
const SHOW_CURSOR = `${ESC}?25h`;
// Without automatic wrap a line whose width we misjudge is cut by the terminal instead of breaking the footer.
const NO_WRAP = `${ESC}?7l`;
const WRAP = `${ESC}?7h`;
const ERASE_LINE = `${ESC}K`;
const ERASE_BELOW = `${ESC}J`;

/** Beyond this much waiting text a frame is drawn at once. */
const FLUSH_AT = 64 * 1024;

/**
 * Text that scrolls up and stays, above a footer of a few lines that changes in place. Never the alternate
 * screen: what was printed remains in the scroll-back.
 *
 * Between frames the cursor rests on the footer's last line, and no footer line ever wraps; so the footer
 * begins exactly `lines - 1` rows above the cursor.
 */
export class Screen {
  readonly #out: ScreenOutput;
  #footer: readonly string[] = [];
  #columns: number;
  #waiting = '';

  constructor(out: ScreenOutput) {
    this.#out = out;
    this.#columns = this.columns;
  }

  get columns(): number {
    return Math.max(1, this.#out.columns ?? 80);
  }
  get rows(): number {
    return Math.max(1, this.#out.rows ?? 24);
  }

  /** Lines to stay above the footer; shown with the next frame. `text` ends with a line break. */
  print(text: string): void {
    this.#waiting += text;
    if (this.#waiting.length > FLUSH_AT) this.draw(this.#footer);
  }

  /** One frame: what waits, then the footer; only footer lines that differ are written. */
  draw(lines: readonly string[]): void {
    const columns = this.columns;
    const resized = columns !== this.#columns;
    const next = lines.map((line) => cut(line, columns));
    const previous = this.#footer;
    let body: string;
    if (this.#waiting !== '' || resized || previous.length !== next.length) {
      body = this.#toTop(columns) + ERASE_BELOW + this.#waiting + footerText(next);
    } else {
      body = changedLines(previous, next);
      if (body === '') return;
    }
    this.#waiting = '';
    this.#columns = columns;
    this.#footer = next;
    const cursor =
      previous.length === 0 && next.length > 0
        ? HIDE_CURSOR
        : previous.length > 0 && next.length === 0
          ? SHOW_CURSOR
          : '';
    this.#out.write(`${BEGIN}${cursor}${body}${END}`);
  }

  /** Prints what waits, takes the footer away and gives the cursor back. Safe to call at any time, twice. */
  close(): void {
    if (this.#waiting !== '' || this.#footer.length > 0) this.draw([]);
  }

  /** From the cursor to the footer's first cell. */
  #toTop(columns: number): string {
    if (this.#footer.length === 0) return '';
    // Terminals reflow on a resize: a line that was full now takes several rows.
    let up = -1;
    for (const line of this.#footer)
      up += columns < this.#columns ? Math.max(1, Math.ceil(displayWidth(line) / columns)) : 1;
    return up === 0 ? '\r' : `\r${ESC}${up}A`;
  }
}

const footerText = (lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${NO_WRAP}${lines.join('\r\n')}${WRAP}`;

function changedLines(previous: readonly string[], next: readonly string[]): string {
  let text = '';
  let row = next.length - 1;
  for (const [index, line] of next.entries()) {
    if (previous[index] === line) continue;
    text += `${moveRows(index - row)}\r${line}${ERASE_LINE}`;
    row = index;
  }
  return text === '' ? '' : `${NO_WRAP}${text}${moveRows(next.length - 1 - row)}${WRAP}`;
}

const moveRows = (rows: number): string =>
  rows === 0 ? '' : rows < 0 ? `${ESC}${-rows}A` : `${ESC}${rows}B`;
