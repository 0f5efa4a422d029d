import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { CommandOptions, CommandResult } from './command.js';
import { repository } from './scratch.js';
import { userEnvironment } from './user-environment.js';

const CHILD = join(repository, 'test/rig/question-process.mjs');
const BINARY = join(repository, 'packages/runtime/bin/run-pipeline.js');
const PROGRAM = join(repository, 'packages/runtime/dist/cli.js');

/** Commands about what is stored: they load nothing of a user and wait for nothing. */
const STORED =
  /^(?:show|runs|get|why|diff|logs|gc|agent ls|queue \w+|task (?:show|ls|get|logs|create|clone|enqueue|abort|publish))(?: |$)/;
const WAITS = new Set(['-f', '--follow']);
/** What concerns a process and not only the command. */
const OF_A_PROCESS = ['RUN_PIPELINE_CRASH_AT', 'NODE_OPTIONS'];

/** Whether nothing is about the process that executes the command. */
export const isAnywhere = (options: CommandOptions): boolean =>
  options.through === undefined &&
  options.input === undefined &&
  OF_A_PROCESS.every((name) => options.env?.[name] === undefined);

/** Whether it may be executed by a process that has executed others. */
export const canAsk = (args: readonly string[], options: CommandOptions): boolean =>
  STORED.test(args.join(' ')) && !args.some((word) => WAITS.has(word)) && isAnywhere(options);

/**
 * `run-pipeline ARGS` by the built command line, in a process that stays for the next one: a start costs twenty
 * times as much as an answer. What goes on at the same time is executed by several.
 */
export async function ask(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = idle.pop() ?? startChild();
  const result = await answerOf(child, args, options);
  if (child.connected) idle.push(child);
  return result;
}

const idle: ChildProcess[] = [];

/** It ends with the process of the tests, which is what it is connected to. */
function startChild(): ChildProcess {
  const child = fork(CHILD, [BINARY, PROGRAM], {
    execArgv: [],
    env: userEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.unref();
  child.once('exit', () => {
    if (idle.includes(child)) idle.splice(idle.indexOf(child), 1);
  });
  return child;
}

function answerOf(
  child: ChildProcess,
  args: readonly string[],
  { cwd, env }: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const lost = (code: number | null, signal: string | null): void =>
      reject(new Error(`the process that executed ${args.join(' ')} ended by itself (${signal ?? code})`));
    child.once('exit', lost);
    child.once('message', (answer) => {
      child.off('exit', lost);
      child.channel?.unref();
      resolve({ signal: null, ...(answer as Omit<CommandResult, 'signal'>) });
    });
    child.channel?.ref();
    child.send({ args, cwd, env: userEnvironment(env) });
  });
}
