import { didYouMean, isPriority, PRIORITY_BOUND } from '@run-pipeline/core/model';
import { parseResources } from '../queue/resources.js';
import { COMMON_OPTIONS, type CommandSpec, type OptionSpec } from './command.js';
import { usageError } from './usage-error.js';

/** What the command line says, checked against the command's table. */
export interface Parsed {
  readonly arguments: readonly string[];
  readonly options: OptionValues;
}

export class OptionValues {
  readonly #values: ReadonlyMap<string, readonly (string | true)[]>;

  constructor(values: ReadonlyMap<string, readonly (string | true)[]>) {
    this.#values = values;
  }
  has(name: string): boolean {
    return this.#values.has(name);
  }
  /** The last value given. */
  text(name: string): string | undefined {
    const value = this.#values.get(name)?.at(-1);
    return value === true ? undefined : value;
  }
  texts(name: string): readonly string[] {
    return (this.#values.get(name) ?? []).filter((value) => value !== true);
  }
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }
}

/**
 * Options may stand anywhere; `--` ends them. `--name value`, `--name=value`, `-o value`, `-ovalue`; a value
 * that is optional is taken only after `=`, so that `--refresh FILE` is never misread; one of several words takes
 * all up to the next option.
 */
export function parse(spec: CommandSpec, words: readonly string[]): Parsed {
  const known = [...spec.options, ...COMMON_OPTIONS];
  const values = new Map<string, (string | true)[]>();
  const positional: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') {
      positional.push(...words.slice(index + 1));
      break;
    }
    if (isWord(word)) {
      positional.push(word);
      continue;
    }
    const { option, attached, shown } = findOption(spec, known, word);
    const repeatable = option.repeatable === true || option.words === true;
    if (values.has(option.name) && !repeatable && option.value !== undefined) {
      throw usageError(`${shown} was given twice`);
    }
    let value: string | true = true;
    if (option.value === undefined) {
      if (attached !== undefined)
        throw usageError(`${shown} takes no value, but got ${JSON.stringify(attached)}`);
    } else if (attached !== undefined) {
      value = attached;
    } else if (option.valueOptional !== true) {
      index += 1;
      const next = words[index];
      if (next === undefined || (option.words === true && !isWord(next)))
        throw usageError(`${shown} needs a value: ${shown} ${option.value}`);
      value = next;
    }
    const given: (string | true)[] = [value];
    if (option.words === true && attached === undefined) {
      while (index + 1 < words.length && isWord(words[index + 1]!)) given.push(words[(index += 1)]!);
    }
    for (const one of given) if (one !== true) checkValue(option, shown, one);
    values.set(option.name, [...(values.get(option.name) ?? []), ...given]);
  }
  const options = new OptionValues(values);
  if (!options.has('help')) checkArguments(spec, positional);
  return { arguments: positional, options };
}

/** Not an option, nor what ends them. */
const isWord = (word: string): boolean => !word.startsWith('-') || word === '-';

/** Where the first word stands that is neither an option nor an option's value; -1: nowhere. */
export function firstArgument(
  spec: Pick<CommandSpec, 'options'>,
  words: readonly string[],
  from = 0,
): number {
  const known = [...spec.options, ...COMMON_OPTIONS];
  for (let index = from; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') return -1;
    if (isWord(word)) return index;
    const name = /^--?([^=]*)/.exec(word)![1]!;
    const option = known.find((item) => item.name === name || item.short === name);
    if (option?.value === undefined || option.valueOptional === true || word.includes('=')) continue;
    if (option.words !== true) {
      index += 1;
      continue;
    }
    while (index + 1 < words.length && isWord(words[index + 1]!)) index += 1;
  }
  return -1;
}

function findOption(
  spec: CommandSpec,
  known: readonly OptionSpec[],
  word: string,
): { readonly option: OptionSpec; readonly attached: string | undefined; readonly shown: string } {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals === -1 ? undefined : equals);
    const option = known.find((item) => item.name === name);
    if (option !== undefined) {
      return { option, attached: equals === -1 ? undefined : word.slice(equals + 1), shown: `--${name}` };
    }
    const listed = known.map((item) => `--${item.name}`);
    throw usageError(
      `unknown option --${name}${didYouMean(`--${name}`, listed)}`,
      `run-pipeline ${spec.name} --help lists the options`,
    );
  }
  const option = known.find((item) => item.short === word[1]);
  if (option === undefined) {
    throw usageError(`unknown option ${word}`, `run-pipeline ${spec.name} --help lists the options`);
  }
  const rest = word.slice(2);
  return { option, attached: rest === '' ? undefined : rest.replace(/^=/, ''), shown: `-${option.short}` };
}

function checkValue(option: OptionSpec, shown: string, value: string): void {
  const type = option.type;
  if (type === undefined || type === 'path') {
    if (value === '') throw usageError(`${shown} needs a value: ${shown}=${option.value}`);
    return;
  }
  if (type === 'count') {
    if (!/^[0-9]{1,6}$/.test(value))
      throw usageError(`${shown} takes a whole number, but got ${JSON.stringify(value)}`);
    return;
  }
  if (type === 'priority') {
    if (!/^-?\d+$/.test(value) || !isPriority(Number(value)))
      throw usageError(
        `${shown} takes a whole number up to ${PRIORITY_BOUND}, but got ${JSON.stringify(value)}`,
      );
    return;
  }
  if (type === 'resources') {
    if (value !== 'none' && parseResources(value) === undefined)
      throw usageError(`${shown} takes amounts such as gpu=1,ram=16, but got ${JSON.stringify(value)}`);
    return;
  }
  if (type === 'duration') {
    if (parseDuration(value) === undefined)
      throw usageError(`${shown} takes a time such as 30m, 12h or 7d, but got ${JSON.stringify(value)}`);
    return;
  }
  if (type === 'bytes') {
    if (parseBytes(value) === undefined)
      throw usageError(`${shown} takes a size such as 500MB or 2GB, but got ${JSON.stringify(value)}`);
    return;
  }
  if (!type.includes(value)) {
    throw usageError(
      `${shown} takes ${type.join(', ')}, but got ${JSON.stringify(value)}${didYouMean(value, type)}`,
    );
  }
}

function checkArguments(spec: CommandSpec, given: readonly string[]): void {
  const missing = spec.arguments.find(
    (argument, index) => argument.optional !== true && argument.rest !== true && given[index] === undefined,
  );
  const usage = `usage: ${usageLine(spec)}`;
  if (missing !== undefined) throw usageError(`${missing.name} is missing`, usage);
  if (given.length > spec.arguments.length && spec.arguments.at(-1)?.rest !== true) {
    throw usageError(`${JSON.stringify(given[spec.arguments.length])} is one argument too many`, usage);
  }
}

export function usageLine(spec: CommandSpec): string {
  const words = spec.arguments.map((argument) =>
    argument.rest === true
      ? `[-- ${argument.name}…]`
      : argument.optional === true
        ? `[${argument.name}]`
        : argument.name,
  );
  return ['run-pipeline', spec.name, ...words].join(' ');
}

const DURATION = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `30m`, `12h`, `7d` as milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * DURATION[match[2] as keyof typeof DURATION];
}

/** `500MB`, `2GB`, `1024` as bytes; 1 KB is 1024 bytes. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])i?)?B?$/i.exec(text);
  if (match === null) return undefined;
  const power = match[2] === undefined ? 0 : 'KMGT'.indexOf(match[2].toUpperCase()) + 1;
  return Math.floor(Number(match[1]) * 1024 ** power);
}
