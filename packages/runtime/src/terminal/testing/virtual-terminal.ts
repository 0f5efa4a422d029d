import { displayWidth } from '../width.js';

/**
 * A terminal for tests: what a person would see after the given bytes. It knows the few sequences that the
 * renderer may use and throws on any other, so that an injected one fails the test.
 */
export class VirtualTerminal {
  readonly isTTY = true;
  columns: number;
  rows: number;
  cursorVisible = true;
  wrap = true;
  synchronised = false;
  frames = 0;
  bytes = 0;
  /** Everything ever shown, scroll-back included; the screen is its last `rows` lines. */
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** The lines as text, without trailing blanks and without empty lines at the end. */
  get text(): readonly string[] {
    const lines = this.#lines.map((line) => line.join('').trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** Lines that are now too long are wrapped, as terminals do; wrapped ones are not joined again. */
  resize(columns: number): void {
    this.columns = columns;
    for (let row = 0; row < this.#lines.length; row++) {
      const line = this.#lines[row]!;
      if (line.length <= columns) continue;
      this.#lines.splice(row, 1, line.slice(0, columns), line.slice(columns));
      if (this.#row > row) this.#row += 1;
      else if (this.#row === row && this.#column > columns) {
        this.#row += 1;
        this.#column -= columns;
      }
    }
  }

  write(text: string): boolean {
    this.bytes += text.length;
    let index = 0;
    while (index < text.length) {
      const character = String.fromCodePoint(text.codePointAt(index)!);
      if (character === '\u001b') {
        // eslint-disable-next-line no-control-regex
        const match = /^\u001b\[(\??)([0-9;]*)([A-Za-z])/.exec(text.slice(index));
        if (match === null) throw new Error(`unknown escape ${JSON.stringify(text.slice(index, index + 8))}`);
        this.#control(match[1] === '?', match[2]!, match[3]!);
        index += match[0].length;
        continue;
      }
      index += character.length;
      if (character === '\n') this.#lineFeed();
      else if (character === '\r') this.#column = 0;
      else if (character < ' ') throw new Error(`unknown control ${JSON.stringify(character)}`);
      else this.#put(character);
    }
    return true;
  }

  #control(isPrivate: boolean, parameters: string, final: string): void {
    const key = `${isPrivate ? '?' : ''}${parameters}${final}`;
    const count = parameters === '' ? 1 : Number(parameters);
    if (key === '?2026h') {
      this.synchronised = true;
      this.frames += 1;
    } else if (key === '?2026l') this.synchronised = false;
    else if (key === '?25l') this.cursorVisible = false;
    else if (key === '?25h') this.cursorVisible = true;
    else if (key === '?7l') this.wrap = false;
    else if (key === '?7h') this.wrap = true;
    else if (final === 'm' && !isPrivate) return;
    else if (final === 'A') this.#row = Math.max(this.#top(), this.#row - count);
    else if (final === 'B') this.#row = Math.min(this.#lines.length - 1, this.#row + count);
    else if (key === 'K') this.#lines[this.#row]!.length = this.#column;
    else if (key === 'J') {
      this.#lines[this.#row]!.length = Math.min(this.#lines[this.#row]!.length, this.#column);
      for (let row = this.#row + 1; row < this.#lines.length; row++) this.#lines[row] = [];
    } else throw new Error(`unknown sequence ${key}`);
  }

  #top(): number {
    return Math.max(0, this.#lines.length - this.rows);
  }

  #lineFeed(): void {
    // The terminal's driver adds the carriage return (ONLCR).
    this.#column = 0;
    this.#row += 1;
    if (this.#row === this.#lines.length) this.#lines.push([]);
  }

  #put(character: string): void {
    const width = displayWidth(character);
    if (width === 0) return;
    if (this.#column + width > this.columns) {
      if (this.wrap) this.#lineFeed();
      else this.#column = this.columns - width;
    }
    const line = this.#lines[this.#row]!;
    while (line.length < this.#column) line.push(' ');
    line[this.#column] = character;
    for (let cell = 1; cell < width; cell++) line[this.#column + cell] = '';
    this.#column += width;
  }
}
