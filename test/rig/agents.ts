import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskEdit, TaskId } from '@run-pipeline/core/model';
import type { NewJob } from '@run-pipeline/core/ports';
import { onTestFinished } from 'vitest';
import type { AgentEvent } from '../../packages/runtime/src/agent/index.js';
import type { Project } from '../../packages/runtime/src/project/project.js';
import { JsonProcess, send } from './json-process.js';
import { scratch, type Scratch } from './scratch.js';
import { newTaskId, openProject, packageScript } from './engine.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Short enough that a test may wait for one to run out. */
export const LEASE_MS = 1_000;
const TIMES: Env = { RUN_PIPELINE_LEASE_MS: String(LEASE_MS), RUN_PIPELINE_GRACE_MS: '500' };

/** `run-pipeline agent --json`, as a process of its own. */
export class AgentProcess extends JsonProcess<AgentEvent> {
  constructor(
    args: readonly string[],
    options: { readonly cwd: string; readonly env: Env; readonly through?: readonly string[] },
  ) {
    super(['agent', ...args], { ...options, env: { ...TIMES, ...options.env } });
  }

  /** Whatever it is at; for the end of a test. */
  async remove(): Promise<void> {
    send(this.pid, 'SIGKILL');
    await this.ended;
  }

  /** The first event of this type, printed or still to come, about this task. */
  async told<T extends AgentEvent['type']>(
    type: T,
    task?: TaskId,
  ): Promise<Extract<AgentEvent, { readonly type: T }>> {
    const event = await this.printed(
      (line) => line.type === type && (task === undefined || ('task' in line && line.task === task)),
    );
    if (event === undefined)
      throw new Error(`the agent ended without ${type}\n${this.stderr}\n${JSON.stringify(this.lines)}`);
    return event as Extract<AgentEvent, { readonly type: T }>;
  }

  /** Types of what it told about a task, in order. */
  about(task: TaskId): readonly string[] {
    return this.lines.flatMap((line) => ('task' in line && line.task === task ? [line.type] : []));
  }
}

/** A project whose state agents serve. */
export interface Fleet {
  readonly project: Project;
  readonly files: Scratch;
  /** Starts an agent; in a directory of its own that holds nothing, unless `cwd` says otherwise. */
  agent(
    args?: readonly string[],
    options?: { readonly env?: Env; readonly cwd?: string },
  ): Promise<AgentProcess>;
  /** A record that executes this script, not queued. */
  record(file: string, edit?: TaskEdit): Promise<TaskId>;
  /** The same, waiting in a queue. */
  enqueue(file: string, job?: Partial<NewJob>): Promise<TaskId>;
  /** Resolves when it has ended, with how. */
  ended(task: TaskId): Promise<NonNullable<Awaited<ReturnType<Project['store']['readTaskEnding']>>>>;
  /** What its attempt printed. */
  console(task: TaskId, attempt?: number): Promise<string>;
}

/** @param finished Told what has to be done when nobody needs it any more. Default: the end of the test. */
export async function fleet(
  files: Readonly<Record<string, string>>,
  finished: (clean: () => Promise<void> | void) => void = onTestFinished,
): Promise<Fleet> {
  const directory = scratch(files, { keep: true });
  finished(() => rmSync(directory.directory, { recursive: true, force: true, maxRetries: 5 }));
  const project = await openProject({ cwd: directory.directory, env: {} });
  finished(() => project.close());
  const { store } = project;
  const record = async (file: string, edit: TaskEdit = {}): Promise<TaskId> => {
    const { hash, manifest } = await packageScript({ paths: project, file });
    const id = newTaskId();
    const script = { file, package: hash, dependencies: manifest.dependencies, node: process.versions.node };
    await store.createTask({ id, project: 'fleet', name: file, type: 'custom', edit: { script, ...edit } });
    return id;
  };
  return {
    project,
    files: directory,
    async agent(args = [], options = {}) {
      const cwd = options.cwd ?? emptyDirectory({ keep: true });
      if (options.cwd === undefined)
        finished(() => rmSync(cwd, { recursive: true, force: true, maxRetries: 5 }));
      const agent = new AgentProcess(args, {
        cwd,
        env: { RUN_PIPELINE_HOME: project.home, TRACES: directory.directory, ...options.env },
      });
      finished(() => agent.remove());
      await agent.told('agent.start');
      return agent;
    },
    record,
    async enqueue(file, job = {}) {
      const task = await record(file);
      const answer = await store.enqueueTask({ task, kind: 'task', queue: 'default', priority: 0, ...job });
      if (!answer.ok) throw new Error(`${file} cannot be queued: ${answer.reason}`);
      return task;
    },
    async ended(task) {
      const ending = await until(project, () => store.readTaskEnding(task));
      return ending;
    },
    async console(task, attempt) {
      const rows = await store.readTaskOutput(task, attempt === undefined ? {} : { attempt });
      return rows.map((row) => (row.kind === 'log' ? row.text : '')).join('');
    },
  };
}

/** Outside of every project. */
export function emptyDirectory(options: { readonly keep?: boolean } = {}): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-agent-')));
  if (options.keep !== true)
    onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** The first answer that is one, looked for after every commit. */
export function until<T>(project: Project, ask: () => Promise<T | undefined | false>): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      ask().then(
        (answer) => {
          if (answer === undefined || answer === false) return;
          unwatch();
          resolve(answer);
        },
        (error: unknown) => {
          unwatch();
          reject(error as Error);
        },
      );
    };
    const unwatch = project.store.watch(look);
    look();
  });
}
