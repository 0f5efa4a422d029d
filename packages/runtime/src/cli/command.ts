import type { Context } from './context.js';

/** A command as data: parsing, `--help` and the completion scripts all read this. */
export interface CommandSpec {
  /** One word, or two: `task create` is the verb `create` of the family `task`. */
  readonly name: string;
  readonly group: 'run' | 'before' | 'after' | 'again' | 'tasks' | 'house';
  readonly summary: string;
  /** Further lines of its `--help`. */
  readonly details?: readonly string[];
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** Loads only this command's code. Resolves with the exit code. */
  readonly load: () => Promise<(context: Context) => Promise<number>>;
}

export interface ArgumentSpec {
  /** As shown: `FILE[#name]`, `RUN`. */
  readonly name: string;
  readonly optional?: true;
  /** Any number of further words, the last argument only; all of them may be left out. */
  readonly rest?: true;
  readonly completes: 'file' | 'run' | 'task' | 'queue' | 'text' | readonly string[];
}

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  readonly summary: string;
  /** How its value is shown; absent: a switch. */
  readonly value?: string;
  /** The value may be left out, and is only taken after `=`. */
  readonly valueOptional?: true;
  readonly repeatable?: true;
  /** Takes all words up to the next option: `--queue A B`. May be repeated, too. */
  readonly words?: true;
  readonly type?: 'count' | 'priority' | 'duration' | 'bytes' | 'path' | 'resources' | readonly string[];
}

/** Every command has these. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'for programs: JSON on stdout, text for people on stderr' },
  { name: 'trace', summary: 'show whole stack traces' },
  { name: 'help', short: 'h', summary: 'show this' },
];
