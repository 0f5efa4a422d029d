import { COMMON_OPTIONS, type CommandSpec, type OptionSpec } from './command.js';
import { COMMANDS, familyOf } from './commands.js';
import { usageLine } from './parse.js';
import { VERSION } from './version.js';

const GROUPS = [
  ['run', 'Run'],
  ['before', 'Before running'],
  ['after', 'After'],
  ['again', 'Again'],
  ['tasks', 'Tasks, queues, agents'],
  ['house', 'House-keeping'],
] as const;

/** `run-pipeline --help`. */
export function generalHelp(): string {
  const rows: [string, string][] = [];
  for (const [group, title] of GROUPS) {
    rows.push([title, '']);
    for (const command of COMMANDS.filter((item) => item.group === group)) {
      const usage = command.name === 'run' ? 'FILE[#name]' : usageLine(command).slice('run-pipeline '.length);
      rows.push([`  ${usage}`, command.summary]);
    }
  }
  return [
    `run-pipeline ${VERSION}: TypeScript functions as a cached, observable, resumable pipeline`,
    '',
    ...table(rows),
    '',
    'Options of every command: --json, --trace, --help. The options of one: run-pipeline COMMAND --help',
    'RUN is an id, a unique beginning of one, NAME#NUMBER, or latest.',
    'Exit codes: 0 completed, 1 failed or aborted, 2 usage or definition, 3 loading, 4 store or artifact, 130/143 interrupted.',
    '',
    'Example',
    '  run-pipeline init && run-pipeline pipeline.ts',
    '',
  ].join('\n');
}

/** `run-pipeline task --help`: the commands of two words that begin with this one. */
export function familyHelp(first: string): string {
  const commands = familyOf(first);
  return [
    `Usage: run-pipeline ${first} COMMAND … [options]`,
    '',
    ...table(
      commands.map((command) => [`  ${usageLine(command).slice('run-pipeline '.length)}`, command.summary]),
    ),
    '',
    `The options of one: run-pipeline ${first} COMMAND --help`,
    '',
    'Example',
    `  ${commands[0]!.examples[0]!}`,
    '',
  ].join('\n');
}

export function commandHelp(spec: CommandSpec): string {
  const usage = spec.name === 'run' ? 'run-pipeline [run] FILE[#name]' : usageLine(spec);
  return [
    `Usage: ${usage} [options]`,
    '',
    capitalise(`${spec.summary}.`),
    ...(spec.details ?? []),
    '',
    'Options',
    ...table(
      [...spec.options, ...COMMON_OPTIONS].map((option) => [`  ${optionUsage(option)}`, option.summary]),
    ),
    '',
    spec.examples.length === 1 ? 'Example' : 'Examples',
    ...spec.examples.map((example) => `  ${example}`),
    ...familyLines(spec.name),
    '',
  ].join('\n');
}

/** A command of one word names those of two words that begin with it. */
function familyLines(name: string): readonly string[] {
  const family = familyOf(name);
  if (family.length === 0) return [];
  return ['', 'See also', ...table(family.map((item) => [`  ${usageLine(item)}`, item.summary]))];
}

export function optionUsage(option: OptionSpec): string {
  const value =
    option.value === undefined
      ? ''
      : option.valueOptional === true
        ? `[=${option.value}]`
        : ` ${option.value}`;
  return `${option.short === undefined ? '    ' : `-${option.short}, `}--${option.name}${value}`;
}

const WIDEST = 34;

function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => (left.length <= WIDEST ? left.length : 0)));
  return rows.flatMap(([left, right]) => {
    if (right === '') return [left];
    return left.length > WIDEST
      ? [left, `${' '.repeat(width + 2)}${right}`]
      : [`${left.padEnd(width + 2)}${right}`];
  });
}

const capitalise = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
