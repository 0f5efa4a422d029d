import {
  BINARY,
  node,
  watched,
  type CommandOptions,
  type CommandResult,
  type RunWatched,
} from './command.js';
import { ask, isAnywhere } from './questions.js';

/** They give their terminal, or their whole life, to something else. */
const NEVER = new Set(['agent', 'debug', 'ui']);

/**
 * The same as in `command.ts` by processes that have executed other commands before, for tests that are about what
 * a run does and not about its process: a start costs more than what is tested then. Steps have processes of their
 * own here, too. Not for code that ends its process, or throws where nobody awaits it.
 */
export const runPipeline = (args: readonly string[], options: CommandOptions): Promise<CommandResult> =>
  isAnywhere(options) && !NEVER.has(args[0]!) ? ask(args, options) : node([BINARY, ...args], options);

export const watchRun = async (args: readonly string[], options: CommandOptions): Promise<RunWatched> =>
  watched(await runPipeline([...args, '--json'], options));

/** A query with `--json`, parsed. */
export async function query<T = unknown>(args: readonly string[], options: CommandOptions): Promise<T> {
  const { code, stdout, stderr } = await runPipeline([...args, '--json'], options);
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
