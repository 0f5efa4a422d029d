import type { Style } from '../terminal/style.js';
import type { Output, Outputs } from './output.js';
import type { OptionValues } from './parse.js';

/** What a command gets. */
export interface Context {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly options: OptionValues;
  readonly json: boolean;
  readonly trace: boolean;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly err: Output;
  readonly outputs: Outputs;
  /** Of the stream that people read: stdout, or stderr with `--json`. */
  readonly style: Style;
}

/** Text for people: on stdout, or on stderr when stdout carries JSON. */
export const human = (context: Context): Output => (context.json ? context.err : context.out);

export function printLines(output: Output, lines: readonly string[]): void {
  output.write(lines.map((line) => `${line}\n`).join(''));
}

/** The one JSON document of a query. */
export function printJson(context: Context, value: unknown): void {
  context.out.write(`${JSON.stringify(value, null, context.out.stream.isTTY ? 2 : undefined)}\n`);
}
