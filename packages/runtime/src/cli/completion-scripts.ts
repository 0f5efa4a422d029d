import { COMMON_OPTIONS, type ArgumentSpec, type CommandSpec, type OptionSpec } from './command.js';
import { COMMANDS } from './commands.js';

/**
 * Completion scripts from the one table of commands. They are static: completing a word starts no node
 * process, except for the ids of runs, which only the store knows.
 */

const RUN_IDS = 'run-pipeline runs --json 2>/dev/null';
const listed = (command: CommandSpec): readonly OptionSpec[] => [
  ...command.options.filter((option) => option.refused === undefined),
  ...COMMON_OPTIONS,
];
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
      `  ${command.name})`,
      `    options="${options.join(' ')}"`,
      ...(positional.length === 0 ? [] : ['    case $position in', ...positional, '    esac']),
      '    ;;',
    ].join('\n');
  });
  const values = COMMANDS.flatMap((command) =>
    command.options
      .filter((option) => choices(option).length > 0)
      .map((option) => `    ${command.name}:--${option.name}) words="${choices(option).join(' ')}" ;;`),
  );
  const takesValue = new Set(
    COMMANDS.flatMap((command) => command.options)
      .filter((option) => option.value !== undefined && option.valueOptional !== true)
      .flatMap((option) => [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])]),
  );
  return `# bash completion of run-pipeline
_run_pipeline() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=run options= words= files= position=0 index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${[...takesValue].join('|')}) ((index++)) ;;
      -*|=) ;;
      *)
        if ((position == 0)) && [[ " ${COMMANDS.map(({ name }) => name).join(' ')} " == *" \${COMP_WORDS[index]} "* ]]; then
          command=\${COMP_WORDS[index]}
        else
          ((position++))
        fi ;;
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
    words="${COMMANDS.map(({ name }) => name).join(' ')}"
    files=1
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
  if (argument.completes === 'run')
    return `words="latest $(${RUN_IDS} | grep -o '"id": *"[^"]*"' | cut -d'"' -f4)"`;
  return `words="${choices(argument).join(' ')}"`;
}

export function zshScript(): string {
  const commands = COMMANDS.map((command) => `    ${quote(`${command.name}:${command.summary}`)}`);
  const cases = COMMANDS.map((command) => {
    const specs = [...listed(command).flatMap(zshOption), ...command.arguments.map(zshArgument)];
    return [
      `    ${command.name})`,
      `      _arguments -s ${specs.map((spec) => `\\\n        ${spec}`).join(' ')}`,
      '      ;;',
    ].join('\n');
  });
  return `#compdef run-pipeline
# zsh completion of run-pipeline
_run_pipeline_runs() {
  local -a ids
  ids=(latest \${(f)"$(${RUN_IDS} | grep -o '"id": *"[^"]*"' | cut -d'"' -f4)"})
  compadd -a ids
}
_run_pipeline() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _files
    return
  fi
  local command=$words[2]
  if [[ " ${COMMANDS.map(({ name }) => name).join(' ')} " == *" $command "* ]]; then
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
      : argument.completes === 'run'
        ? '_run_pipeline_runs'
        : choices(argument).length > 0
          ? `(${choices(argument).join(' ')})`
          : ' ';
  return quote(`${index + 1}:${argument.name.replace(/[[\]:]/g, ' ')}:${action}`);
}

export function fishScript(): string {
  const names = COMMANDS.map(({ name }) => name).join(' ');
  const lines = [
    '# fish completion of run-pipeline',
    `set -l commands ${names}`,
    'complete -c run-pipeline -n "not __fish_seen_subcommand_from $commands" -F',
  ];
  for (const command of COMMANDS) {
    lines.push(
      `complete -c run-pipeline -n "not __fish_seen_subcommand_from $commands" -a ${command.name} -d ${quote(command.summary)}`,
    );
    // Without a command word the options are those of \`run\`.
    const when =
      command.name === 'run'
        ? '"not __fish_seen_subcommand_from $commands; or __fish_seen_subcommand_from run"'
        : `"__fish_seen_subcommand_from ${command.name}"`;
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
    const words =
      argument.completes === 'run'
        ? `"(echo latest; ${RUN_IDS} | string match -rga '\\"id\\": *\\"([^\\"]*)\\"')"`
        : quote(choices(argument).join(' '));
    lines.push(`complete -c run-pipeline -n ${when} -f -a ${words}`);
  }
  return `${lines.join('\n')}\n`;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
