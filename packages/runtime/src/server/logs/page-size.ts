const LEAST = 16;
const MOST = 4_000;
const WANTED_CHARACTERS = 2_000_000;

/**
 * How many pieces of console to read at once: one may be a line or 64 KB, and what is read is parsed in
 * one go, while everybody waits.
 */
export class PageSize {
  next = 64;

  /** The page that was asked for held so many characters. */
  read(characters: number): void {
    if (characters * 2 < WANTED_CHARACTERS) this.next = Math.min(MOST, this.next * 4);
    else if (characters > WANTED_CHARACTERS) this.next = Math.max(LEAST, Math.floor(this.next / 2));
  }
}
