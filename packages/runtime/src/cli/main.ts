import { writeSync } from 'node:fs';
import type { Context } from './context.js';
import { COMMANDS, familyOf, findCommand, RUN_SPEC } from './commands.js';
import type { CommandSpec } from './command.js';
import { openOutputs, type Outputs } from './output.js';
import { firstArgument, parse } from './parse.js';
import { asTyped } from '../project/as-typed.js';
import { createStyle, wantsColour } from '../terminal/style.js';

/**
 * The program. It reads the command's name, loads that command's code and nothing else, and turns what
 * happens into an exit code. `commander` is not used: it costs 9 ms of a 120 ms budget, and help and
 * completion are made from the same table.
 */
export async function main(words: readonly string[]): Promise<number> {
  const outputs = openOutputs();
  let command: string | undefined;
  try {
    if (words.length === 0) {
      outputs.err.write(asTyped((await import('./help.js')).generalHelp()));
      return 2;
    }
    const first = words[0]!;
    if (first === '--version' || first === '-V') {
      outputs.out.write(`${(await import('./version.js')).VERSION}\n`);
      return 0;
    }
    if (first === '--help' || first === '-h' || first === 'help') return await help(words.slice(1), outputs);
    const { spec, rest, family } = await chooseCommand(words);
    if (spec === undefined) {
      outputs.out.write(asTyped((await import('./help.js')).familyHelp(family)));
      return 0;
    }
    command = spec.name;
    const parsed = parse(spec, rest);
    if (parsed.options.has('help')) {
      outputs.out.write(asTyped((await import('./help.js')).commandHelp(spec)));
      return 0;
    }
    const json = parsed.options.has('json');
    const reader = json ? process.stderr : process.stdout;
    const context: Context = {
      command: spec.name,
      arguments: parsed.arguments,
      options: parsed.options,
      json,
      trace: parsed.options.has('trace'),
      cwd: process.cwd(),
      env: process.env,
      out: outputs.out,
      err: outputs.err,
      outputs,
      style: createStyle(wantsColour(reader, process.env)),
    };
    const execute = await spec.load();
    const code = await execute(context);
    if (outputs.out.failure !== undefined) throw outputs.out.failure;
    return code;
  } catch (error) {
    return fail(error, words, outputs, command);
  }
}

async function fail(
  error: unknown,
  words: readonly string[],
  outputs: Outputs,
  command?: string,
): Promise<number> {
  const { reportError } = await import('./commands/index.js');
  // What stands after two dashes is not ours.
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const [json, trace] = [own.includes('--json'), own.includes('--trace')];
  return reportError(error, { json, trace, command, outputs, cwd: process.cwd(), env: process.env });
}

async function help(words: readonly string[], outputs: Outputs): Promise<number> {
  const { commandHelp, familyHelp, generalHelp } = await import('./help.js');
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  if (first === undefined) outputs.out.write(asTyped(generalHelp()));
  else {
    const spec = findCommand(first, second);
    if (spec !== undefined) outputs.out.write(asTyped(commandHelp(spec)));
    else if (second === undefined && familyOf(first).length > 0)
      outputs.out.write(asTyped(familyHelp(first)));
    else throw await unknownCommand(first, second);
  }
  return 0;
}

type Chosen =
  | { readonly spec: CommandSpec; readonly rest: readonly string[]; readonly family?: undefined }
  /** Only help was asked for, of a word that begins several commands. */
  | { readonly spec?: undefined; readonly rest?: undefined; readonly family: string };

/** `FILE …` is `run FILE …`, wherever the options stand; `task create …` is one command of two words. */
async function chooseCommand(words: readonly string[]): Promise<Chosen> {
  const at = firstArgument(RUN_SPEC, words);
  const word = words[at];
  if (word === undefined) return { spec: RUN_SPEC, rest: words };
  const family = familyOf(word);
  const next =
    family.length === 0 ? -1 : firstArgument({ options: familyOptions(word, family) }, words, at + 1);
  const spec = findCommand(word, words[next]);
  if (spec !== undefined) {
    const taken = spec.name === word ? [at] : [at, next];
    return { spec, rest: words.filter((_, index) => !taken.includes(index)) };
  }
  if (family.length > 0) {
    if (next === -1 && words.some((item) => item === '--help' || item === '-h')) return { family: word };
    throw await unknownCommand(word, words[next]);
  }
  if (!(await looksLikeFile(word))) throw await unknownCommand(word);
  return { spec: RUN_SPEC, rest: words };
}

/** Those that may stand between the two words: of any command that begins with the first one, or is it. */
const familyOptions = (word: string, family: readonly CommandSpec[]): CommandSpec['options'] => [
  ...(findCommand(word)?.options ?? []),
  ...family.flatMap(({ options }) => options),
];

async function looksLikeFile(word: string): Promise<boolean> {
  if (/[/\\.#]/.test(word)) return true;
  const { existsSync } = await import('node:fs');
  return existsSync(word);
}

async function unknownCommand(first: string, second?: string): Promise<Error> {
  const { usageError } = await import('./commands/index.js');
  const { didYouMean } = await import('@run-pipeline/core/model');
  const verbs = familyOf(first).map((command) => command.name.slice(first.length + 1));
  if (verbs.length > 0) {
    const help = `one of ${verbs.join(', ')}; run-pipeline ${first} --help says what they do`;
    if (second === undefined) return usageError(`${first} what?`, help);
    return usageError(`unknown command ${first} ${second}${didYouMean(second, verbs)}`, help);
  }
  const names = new Set(COMMANDS.map((command) => command.name.split(' ')[0]!));
  return usageError(
    `unknown command ${first}${didYouMean(first, [...names])}`,
    'run-pipeline --help lists the commands',
  );
}

/**
 * Runs the program and ends the process: user code that was loaded here may hold it open. What that code throws where
 * nobody awaits it ends a command, too, with the same words as any error (a run has its own way, see `conduct`).
 */
async function start(): Promise<void> {
  const words = process.argv.slice(2);
  let failing = false;
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    // Telling of the first one failed as well: user code has replaced what every program relies on.
    if (failing) giveUp();
    failing = true;
    void failAndEnd(error, words);
  });
  await end(await main(words));
}

function giveUp(): never {
  writeSync(
    2,
    '✖ the file replaced a built-in of JavaScript that run-pipeline needs; nothing can be done after that\n',
  );
  process.exit(1);
}

async function failAndEnd(error: unknown, words: readonly string[]): Promise<never> {
  return end(await fail(error, words, openOutputs()));
}

async function end(code: number): Promise<never> {
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  // How a command ended is not for an exit handler of user code to say: this one comes last.
  process.on('exit', () => (process.exitCode = code));
  process.exit(code);
}

/** A pipe may still hold what was written. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((done) => {
    stream.once('error', () => done());
    stream.write('', () => done());
  });
}

await start();
