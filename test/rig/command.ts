import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { RunEvent, StepEnd } from '@run-pipeline/core/model';
import { ask, canAsk } from './questions.js';
import { repository } from './scratch.js';
import { userEnvironment } from './user-environment.js';

export { userEnvironment };

export const BINARY = join(repository, 'packages/runtime/bin/run-pipeline.js');

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which the process is killed and the test fails. */
  readonly timeout?: number;
  readonly input?: string;
  /** What starts it elsewhere: `nsenter … --`. */
  readonly through?: readonly string[];
}

export function startNode(args: readonly string[], options: CommandOptions): ChildProcess {
  const [command, ...more] = [...(options.through ?? []), process.execPath, ...args];
  return spawn(command!, more, {
    cwd: options.cwd,
    env: userEnvironment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs `node ARGS` to its end. */
export async function node(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = startNode(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin?.end(options.input ?? '');
  const timeout = options.timeout ?? 60_000;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${args.join(' ')} did not end within ${timeout} ms\n${stdout}\n${stderr}`));
    }, timeout);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/**
 * `run-pipeline ARGS`, by the real command line: in a process of its own, unless another one can answer. A test that is
 * about the process itself starts `node([BINARY, …])`.
 */
export const runPipeline = (args: readonly string[], options: CommandOptions): Promise<CommandResult> =>
  canAsk(args, options) ? ask(args, options) : node([BINARY, ...args], options);

/** A run with `--json`: its events, and how every step ended. */
export interface RunWatched extends CommandResult {
  readonly events: readonly RunEvent[];
  readonly ends: Readonly<Record<string, StepEnd>>;
  /** Names of steps by how they ended: `{ cached: ['a'], completed: ['b'] }`. */
  readonly by: Readonly<Partial<Record<StepEnd['status'], readonly string[]>>>;
}

export const watchRun = async (args: readonly string[], options: CommandOptions): Promise<RunWatched> =>
  watched(await runPipeline([...args, '--json'], options));

/** What a run with `--json` has printed, by what it says. */
export function watched(result: CommandResult): RunWatched {
  const events = result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent);
  const ends: Record<string, StepEnd> = {};
  const by: Partial<Record<StepEnd['status'], string[]>> = {};
  for (const event of events) {
    if (event.type !== 'step.end') continue;
    ends[event.step] = event;
    (by[event.status] ??= []).push(event.step);
  }
  for (const names of Object.values(by)) names.sort();
  return { ...result, events, ends, by };
}

/** A query with `--json`, parsed. */
export async function query<T = unknown>(args: readonly string[], options: CommandOptions): Promise<T> {
  const result = await runPipeline([...args, '--json'], options);
  if (result.code !== 0)
    throw new Error(`${args.join(' ')} exited with ${result.code}\n${result.stdout}\n${result.stderr}`);
  return JSON.parse(result.stdout) as T;
}
