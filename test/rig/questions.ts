import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { CommandOptions, CommandResult } from './command.js';
import { repository } from './scratch.js';
import { userEnvironment } from './user-environment.js';

const CHILD = join(repository, 'test/rig/question-process.mjs');
const PROGRAM = join(repository, 'packages/runtime/dist/cli.js');

/** Commands about what is stored: they load nothing of a user and wait for nothing. */
const STORED =
  /^(?:show|runs|get|why|diff|logs|gc|agent ls|queue \w+|task (?:show|ls|get|logs|create|clone|enqueue|abort|publish))(?: |$)/;
const WAITS = new Set(['-f', '--follow']);
/** What concerns a process and not only the command. */
const OF_A_PROCESS = ['RUN_PIPELINE_CRASH_AT', 'NODE_OPTIONS'];

export const canAsk = (args: readonly string[], options: CommandOptions): boolean =>
  STORED.test(args.join(' ')) &&
  !args.some((word) => WAITS.has(word)) &&
  options.through === undefined &&
  options.input === undefined &&
  OF_A_PROCESS.every((name) => options.env?.[name] === undefined);

/**
 * `run-pipeline ARGS` of a command about what is stored. The built command line answers, in a process that stays for
 * the next one: a start costs twenty times as much as an answer.
 */
export function ask(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  process_ ??= new QuestionProcess();
  return process_.ask(args, options);
}

let process_: QuestionProcess | undefined;

interface Waiting {
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: Error) => void;
}

class QuestionProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor() {
    // It ends with the process of the tests, which is what it is connected to.
    this.#child = fork(CHILD, [PROGRAM], {
      execArgv: [],
      env: userEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: CommandResult & { readonly id: number }) => {
      const { id, code, stdout, stderr } = answer;
      this.#waiting.get(id)?.resolve({ code, signal: null, stdout, stderr });
      this.#forget(id);
    });
    this.#child.once('exit', (code, signal) => {
      process_ = undefined;
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the process that answers questions ended (${code ?? signal})`));
    });
    this.#child.unref();
    this.#child.channel?.unref();
  }

  ask(args: readonly string[], { cwd, env }: CommandOptions): Promise<CommandResult> {
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.channel?.ref();
      this.#child.send({ id, args, cwd, env: userEnvironment(env) });
    });
  }

  #forget(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#child.channel?.unref();
  }
}
