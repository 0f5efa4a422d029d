import { COMMON_OPTIONS, type ArgumentSpec, type CommandSpec, type OptionSpec } from './command.js';
import { COMMANDS, familyOf } from './commands.js';

/**
 * Completion scripts from the one table of commands. They are static: completing a word starts no node
 * process, except for what only the store knows: runs, tasks and queues.
 */

/** What lists the words that the store knows, and where in its JSON they stand. */
const STORED = {
  run: { list: 'run-pipeline runs --json 2>/dev/null', key: 'id', more: ['latest'] },
  task: { list: 'run-pipeline task ls --json 2>/dev/null', key: 'id', more: ['latest'] },
  queue: { list: 'run-pipeline queue ls --json 2>/dev/null', key: 'name', more: [] },
} as const;
const storedOf = (argument: ArgumentSpec): (typeof STORED)[keyof typeof STORED] | undefined =>
  typeof argument.completes === 'string' && Object.hasOwn(STORED, argument.completes)
    ? STORED[argument.completes as keyof typeof STORED]
    : undefined;
const inShell = ({ list, key }: { readonly list: string; readonly key: string }): string =>
  `${list} | grep -o '"${key}": *"[^"]*"' | cut -d'"' -f4`;

/** The first words of commands, and of them those that begin commands of two words. */
const FIRST_WORDS = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0]!))];
const FAMILIES = FIRST_WORDS.filter((word) => familyOf(word).length > 0);
const verbsOf = (family: string): readonly (readonly [string, string])[] =>
  familyOf(family).map(({ name, summary }) => [name.slice(family.length + 1), summary]);
/** Commands of two words, so that `|a b|` can be looked for. */
const PAIRS = `|${COMMANDS.flatMap(({ name }) => (name.includes(' ') ? [name] : [])).join('|')}|`;

const listed = (command: CommandSpec): readonly OptionSpec[] => [...command.options, ...COMMON_OPTIONS];
const flag = (option: OptionSpec): string =>
  option.valueOptional === true ? `--${option.name}=` : `--${option.name}`;
const choices = (spec: ArgumentSpec | OptionSpec): readonly string[] => {
  const kind = 'completes' in spec ? spec.completes : spec.type;
  return Array.isArray(kind) ? (kind as readonly string[]) : [];
};

export function bashScript(): string {
  const cases = COMMANDS.map((command) => {
    const options = listed(command).flatMap((option) => [
      flag(option),
      ...(option.short === undefined ? [] : [`-${option.short}`]),
    ]);
    const positional = command.arguments.map(
      (argument, index) => `      ${index}) ${bashArgument(argument)} ;;`,
    );
    return [
      `  ${quote(command.name)})`,
      `    options="${options.join(' ')}"`,
      ...(positional.length === 0 ? [] : ['    case $position in', ...positional, '    esac']),
      '    ;;',
    ].join('\n');
  });
  const values = COMMANDS.flatMap((command) =>
    command.options
      .filter((option) => choices(option).length > 0)
      .map(
        (option) =>
          `    ${quote(`${command.name}:--${option.name}`)}) words="${choices(option).join(' ')}" ;;`,
      ),
  );
  const takesValue = new Set(
    COMMANDS.flatMap((command) => command.options)
      .filter((option) => option.value !== undefined && option.valueOptional !== true)
      .flatMap((option) => [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])]),
  );
  return `# bash completion of run-pipeline
_run_pipeline() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=run family= options= words= files= position=0 index named=
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${[...takesValue].join('|')}) ((index++)) ;;
      -*|=) ;;
      *)
        if [[ -z $named && " ${FIRST_WORDS.join(' ')} " == *" \${COMP_WORDS[index]} "* ]]; then
          command=\${COMP_WORDS[index]} family=$command
        elif [[ -n $family && "${PAIRS}" == *"|$family \${COMP_WORDS[index]}|"* ]]; then
          command="$family \${COMP_WORDS[index]}" family=
        else
          family=
          ((position++))
        fi
        named=1 ;;
    esac
  done
  case $command in
${cases.join('\n')}
  esac
  case $command:$previous in
${values.join('\n')}
    *:--out|*:-o) files=1 ;;
  esac
  if [[ $current == -* ]]; then
    words=$options
  elif ((COMP_CWORD == 1)); then
    words="${FIRST_WORDS.join(' ')}"
    files=1
  else
    case $family in
${FAMILIES.map(
  (family) =>
    `      ${family}) words="$words ${verbsOf(family)
      .map(([verb]) => verb)
      .join(' ')}" ;;`,
).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ -n $files ]] && COMPREPLY+=($(compgen -f -- "$current"))
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
  return 0
}
complete -o filenames -F _run_pipeline run-pipeline
`;
}

function bashArgument(argument: ArgumentSpec): string {
  if (argument.completes === 'file') return 'files=1';
  const stored = storedOf(argument);
  if (stored !== undefined) return `words="${[...stored.more, `$(${inShell(stored)})`].join(' ')}"`;
  return `words="${choices(argument).join(' ')}"`;
}

export function zshScript(): string {
  const commands = FIRST_WORDS.map((word) => {
    const summary =
      COMMANDS.find(({ name }) => name === word)?.summary ??
      verbsOf(word)
        .map(([verb]) => verb)
        .join(', ');
    return `    ${quote(`${word}:${summary}`)}`;
  });
  const verbs = FAMILIES.map((family) => {
    const described = verbsOf(family).map(([verb, summary]) => quote(`${verb}:${summary}`));
    return `      ${family}) verbs=(${described.join(' ')}) ;;`;
  });
  const cases = COMMANDS.map((command) => {
    const specs = [...listed(command).flatMap(zshOption), ...command.arguments.map(zshArgument)];
    return [
      `    ${quote(command.name)})`,
      `      _arguments -s ${specs.map((spec) => `\\\n        ${spec}`).join(' ')}`,
      '      ;;',
    ].join('\n');
  });
  return `#compdef run-pipeline
# zsh completion of run-pipeline
${Object.entries(STORED)
  .map(
    ([name, stored]) => `_run_pipeline_${name}s() {
  local -a found
  found=(${[...stored.more, `\${(f)"$(${inShell(stored)})"}`].join(' ')})
  compadd -a found
}`,
  )
  .join('\n')}
_run_pipeline() {
  local -a commands verbs
  commands=(
${commands.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _files
    return
  fi
  local command=$words[2]
  if ((CURRENT == 3)); then
    case $command in
${verbs.join('\n')}
    esac
    ((\${#verbs} > 0)) && _describe verb verbs
  fi
  if ((CURRENT > 3)) && [[ "${PAIRS}" == *"|$words[2] $words[3]|"* ]]; then
    command="$words[2] $words[3]"
    shift 2 words
    ((CURRENT -= 2))
  elif [[ " ${FIRST_WORDS.join(' ')} " == *" $command "* ]]; then
    shift words
    ((CURRENT--))
  else
    command=run
  fi
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _run_pipeline ]]; then _run_pipeline "$@"; else compdef _run_pipeline run-pipeline; fi
`;
}

function zshOption(option: OptionSpec): readonly string[] {
  const summary = `[${option.summary.replace(/[[\]:]/g, ' ')}]`;
  const action =
    choices(option).length > 0 ? `(${choices(option).join(' ')})` : option.type === 'path' ? '_files' : ' ';
  const value = option.value === undefined ? '' : `:${option.name}:${action}`;
  const many = option.repeatable === true ? '*' : '';
  const equals = option.valueOptional === true ? '=-' : '';
  const long = quote(`${many}--${option.name}${equals}${summary}${value}`);
  return option.short === undefined ? [long] : [long, quote(`${many}-${option.short}${summary}${value}`)];
}

function zshArgument(argument: ArgumentSpec, index: number): string {
  const action =
    argument.completes === 'file'
      ? '_files'
      : storedOf(argument) !== undefined
        ? `_run_pipeline_${argument.completes as string}s`
        : choices(argument).length > 0
          ? `(${choices(argument).join(' ')})`
          : ' ';
  const place = argument.rest === true ? '*' : `${index + 1}`;
  return quote(`${place}:${argument.name.replace(/[[\]:]/g, ' ')}:${action}`);
}

export function fishScript(): string {
  const lines = [
    '# fish completion of run-pipeline',
    '# The command of the line: one word, two words, or nothing yet.',
    'function __run_pipeline_command',
    "  set -l words (commandline -opc | string match -v -- '-*')[2..-1]",
    `  set -l pairs ${quote(PAIRS)}`,
    '  if test (count $words) -gt 1; and string match -q -- "*|$words[1] $words[2]|*" $pairs',
    '    echo "$words[1] $words[2]"',
    `  else if contains -- "$words[1]" ${FIRST_WORDS.join(' ')}`,
    '    echo $words[1]',
    '  else if test (count $words) -gt 0',
    '    echo run',
    '  end',
    'end',
    'function __run_pipeline_is',
    '  contains -- "$(__run_pipeline_command)" $argv',
    'end',
    `complete -c run-pipeline -n "__run_pipeline_is ''" -F`,
  ];
  for (const word of FIRST_WORDS) {
    const summary = COMMANDS.find(({ name }) => name === word)?.summary;
    lines.push(
      `complete -c run-pipeline -n "__run_pipeline_is ''" -a ${word}${summary === undefined ? '' : ` -d ${quote(summary)}`}`,
    );
    for (const [verb, verbSummary] of verbsOf(word))
      lines.push(
        `complete -c run-pipeline -n "__run_pipeline_is ${word}" -f -a ${verb} -d ${quote(verbSummary)}`,
      );
  }
  for (const command of COMMANDS) {
    // Without a command word the options are those of \`run\`.
    const when = `"__run_pipeline_is ${command.name === 'run' ? `run ''` : quote(command.name)}"`;
    for (const option of listed(command)) {
      const short = option.short === undefined ? '' : ` -s ${option.short}`;
      const value =
        option.value === undefined || option.valueOptional === true
          ? ''
          : option.type === 'path'
            ? ' -r -F'
            : ` -x${choices(option).length > 0 ? ` -a ${quote(choices(option).join(' '))}` : ''}`;
      lines.push(
        `complete -c run-pipeline -n ${when} -l ${option.name}${short}${value} -d ${quote(option.summary)}`,
      );
    }
    const [argument] = command.arguments;
    if (argument === undefined || argument.completes === 'text' || argument.completes === 'file') continue;
    const stored = storedOf(argument);
    const words =
      stored !== undefined
        ? `"(${stored.more.map((word) => `echo ${word}; `).join('')}${stored.list} | string match -rga '\\"${stored.key}\\": *\\"([^\\"]*)\\"')"`
        : quote(choices(argument).join(' '));
    lines.push(`complete -c run-pipeline -n ${when} -f -a ${words}`);
  }
  return `${lines.join('\n')}\n`;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
