import { join } from 'node:path';
import type { ArtifactRecord, ErrorRecord, GitState, TaskStatus } from '@run-pipeline/core/model';
import { node, startNode, type CommandOptions, type CommandResult } from './command.js';
import { repository, scratch, type Scratch } from './scratch.js';
import { query, runPipeline } from './warm.js';

const TSX = join(repository, 'node_modules/tsx/dist/cli.mjs');

/** `npx tsx ARGS`, without what npx costs. */
export const tsx = (args: readonly string[], options: CommandOptions): Promise<CommandResult> =>
  node([TSX, ...args], options);

/** `task show --json`. */
export interface ShownTask {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly type: string;
  readonly status: TaskStatus;
  readonly tags: readonly string[];
  readonly comment: string;
  readonly parent: string | null;
  readonly run: string | null;
  readonly step: string | null;
  readonly queue: string | null;
  readonly priority: number;
  readonly attempt: number;
  readonly progress: number | null;
  readonly script: {
    readonly file: string;
    readonly package?: string;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly node: string;
    readonly git?: GitState;
  } | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly configurations: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly ArtifactRecord[];
  /** Of `task show`. */
  readonly metrics?: readonly object[];
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error?: ErrorRecord;
}

/** A project with scripts in it, and its tasks by the real command line. */
export class ScriptProject {
  readonly scratch: Scratch;
  readonly options: CommandOptions;

  constructor(
    files: Readonly<Record<string, string>>,
    env: CommandOptions['env'] = {},
    options: Parameters<typeof scratch>[1] = {},
  ) {
    this.scratch = scratch(files, options);
    this.options = { cwd: this.scratch.directory, env: { RUN_PIPELINE_GRACE_MS: '1000', ...env } };
  }

  node(...args: readonly string[]): Promise<CommandResult> {
    return node(args, this.options);
  }

  tsx(...args: readonly string[]): Promise<CommandResult> {
    return tsx(args, this.options);
  }

  /** `node FILE`, while it runs. */
  start(args: readonly string[], env: CommandOptions['env'] = {}): ReturnType<typeof startNode> {
    return startNode(args, { ...this.options, env: { ...this.options.env, ...env } });
  }

  task(...args: readonly string[]): Promise<CommandResult> {
    return runPipeline(['task', ...args], this.options);
  }

  show(task = 'latest'): Promise<ShownTask> {
    return query<ShownTask>(['task', 'show', task], this.options);
  }

  list(...args: readonly string[]): Promise<readonly ShownTask[]> {
    return query<readonly ShownTask[]>(['task', 'ls', ...args], this.options);
  }

  get(artifact: string, task = 'latest'): Promise<unknown> {
    return query(['task', 'get', task, artifact], this.options);
  }

  async logs(task = 'latest'): Promise<string> {
    const rows = await query<readonly { readonly text: string }[]>(['task', 'logs', task], this.options);
    return rows.map(({ text }) => text).join('');
  }
}

/** What the child prints until `text` is in it. */
export function printed(child: ReturnType<typeof startNode>, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += String(chunk);
      if (output.includes(text)) resolve(output);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', () => reject(new Error(`it ended without printing ${text}\n${output}`)));
  });
}

export const ended = (
  child: ReturnType<typeof startNode>,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> =>
  new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
