/** A piece of console output, as it came. */
export interface ConsoleChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** ISO time. */
  readonly ts: string;
}

/** A line without its end; `ts` is when it began. ANSI sequences are in it, and are the reader's to interpret. */
export type ConsoleLine = ConsoleChunk;

/** A line longer than this becomes several: a step that never breaks its line must not fill memory. */
export const LONGEST_CONSOLE_LINE = 100_000;

/**
 * Joins the chunks of both streams into lines. A line gets its place when it ends, so that the number of
 * a line that has one never changes; what has no end yet (a progress bar, a prompt) stands below all of
 * them, one line a stream. A carriage return begins the line anew, as on a terminal.
 *
 * The same rule on both sides of the wire: the server counts with it, the page goes on with it.
 */
export class ConsoleLines {
  readonly #open = new Map<ConsoleLine['stream'], { text: string; readonly ts: string }>();

  /** Goes on behind these open lines (`open()` of another one). */
  constructor(open: readonly ConsoleLine[] = []) {
    for (const { stream, text, ts } of open) this.#open.set(stream, { text, ts });
  }

  /** The lines that this chunk ends. */
  push(chunk: ConsoleChunk): readonly ConsoleLine[] {
    const { stream, ts } = chunk;
    if (chunk.text === '') return [];
    const ended: ConsoleLine[] = [];
    const pieces = chunk.text.split('\n');
    const last = pieces.length - 1;
    for (const [index, piece] of pieces.entries()) {
      const before = this.#open.get(stream);
      if (piece === '' && index === last) break;
      let text = anew(before === undefined ? piece : before.text + piece);
      const began = before?.ts ?? ts;
      for (; text.length > LONGEST_CONSOLE_LINE; text = text.slice(LONGEST_CONSOLE_LINE))
        ended.push({ stream, text: text.slice(0, LONGEST_CONSOLE_LINE), ts: began });
      if (index === last) {
        this.#open.set(stream, { text, ts: began });
      } else {
        this.#open.delete(stream);
        ended.push({ stream, text: shown(text), ts: began });
      }
    }
    return ended;
  }

  /**
   * What has no end yet, in the order in which it began. Its text may end with the carriage return that
   * begins it anew when more comes: keep it to go on, and show it without (`shownConsoleText`).
   */
  open(): readonly ConsoleLine[] {
    return [...this.#open].map(([stream, { text, ts }]) => ({ stream, text, ts }));
  }
}

/** An open line's text as it is shown. */
export const shownConsoleText = (text: string): string => shown(text);

const shown = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);

/** What stands before a carriage return is written over, once something follows. */
function anew(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\r') end--;
  const at = end === 0 ? -1 : text.lastIndexOf('\r', end - 1);
  const kept = at === -1 ? text : text.slice(at + 1);
  // Several at the end are as good as one.
  const trailing = text.length - end;
  return trailing > 1 ? kept.slice(0, kept.length - trailing + 1) : kept;
}
