import { BINARY, startNode, type CommandOptions } from './command.js';

/** `run-pipeline … --json` while it runs: what it has printed, line by line, in order. */
export class JsonProcess<Line> {
  readonly lines: Line[] = [];
  stderr = '';
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  #open = '';
  /** Told that there is more on stderr; true: it was what they wait for. */
  #listeners: (() => boolean)[] = [];
  #waiting: { readonly until: (line: Line) => boolean; readonly found: (line: Line) => void }[] = [];

  constructor(args: readonly string[], options: Pick<CommandOptions, 'cwd' | 'env' | 'through'>) {
    const child = startNode([BINARY, ...args, '--json'], options);
    this.pid = child.pid!;
    child.stdin?.end();
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#listeners = this.#listeners.filter((heard) => !heard());
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** The first line, printed or still to come, that fits; undefined when the process ends without it. */
  printed(until: (line: Line) => boolean): Promise<Line | undefined> {
    const known = this.lines.find(until);
    if (known !== undefined) return Promise.resolve(known);
    const found = new Promise<Line>((resolve) => this.#waiting.push({ until, found: resolve }));
    return Promise.race([found, this.ended.then(() => undefined)]);
  }

  /** Until it has said this to people. */
  async said(text: string): Promise<void> {
    const isSaid = (): boolean => this.stderr.includes(text);
    const heard = new Promise<void>((resolve) => {
      if (isSaid()) resolve();
      else
        this.#listeners.push(() => {
          if (!isSaid()) return false;
          resolve();
          return true;
        });
    });
    await Promise.race([heard, this.ended]);
    if (!isSaid()) throw new Error(`it ended without ${JSON.stringify(text)}\n${this.stderr}`);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    send(this.pid, signal);
  }

  #read(text: string): void {
    const lines = (this.#open + text).split('\n');
    this.#open = lines.pop()!; // what a killed process had not printed to the end does not count
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      this.lines.push(line);
      this.#waiting = this.#waiting.filter(({ until, found }) => {
        if (!until(line)) return true;
        found(line);
        return false;
      });
    }
  }
}

/** False when there is no such process (any more). A negative number is a process group. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
