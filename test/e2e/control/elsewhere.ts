import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunEvent, RunId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import Database from 'libsql';
import { onTestFinished } from 'vitest';
import type { Project } from '../../../packages/runtime/src/project/project.js';
import { AgentProcess, emptyDirectory, LEASE_MS, until } from '../../rig/agents.js';
import { node, query, runPipeline, startNode, watchRun, type RunWatched } from '../../rig/command.js';
import { eventually } from '../../rig/crash.js';
import { JsonProcess, send } from '../../rig/json-process.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { registerIdle } from './rig.js';
import { openProject } from '../../rig/engine.js';

const execute = promisify(execFile);
const TIMES = { RUN_PIPELINE_LEASE_MS: String(LEASE_MS), RUN_PIPELINE_GRACE_MS: '500' };

/**
 * A project whose state lies elsewhere, and that is not there any more when agents execute what it has
 * enqueued: what remains is what agents on other machines have.
 */
export interface Elsewhere {
  readonly project: Project;
  readonly files: Scratch;
  /** Enqueues by the command line, and moves the project's directory away, unless it is to stay. */
  launch(args: readonly string[], options?: { readonly stay?: boolean }): Promise<RunRow>;
  /** Moves the project's directory back. */
  moveBack(): void;
  /** Runs it where the project is. */
  run(args: readonly string[]): Promise<RunWatched>;
  /** Of the command line, in the project while that is there, else anywhere: what it printed. */
  command(args: readonly string[]): Promise<string>;
  /** Replaces text in all that the store keeps by its hash, of the same length. */
  damageValues(text: string, by: string): void;
  /** The same by a program: `node FILE`, which ends by itself. */
  program(file: string): Promise<string>;
  /** A program that enqueues a run and would wait for it: it is killed as soon as the run waits. */
  startAndKill(file: string): Promise<RunRow>;
  /** In an empty directory of its own. */
  agent(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<AgentProcess>;
  /** What `trace(word)` has left, in order. */
  traces(): readonly string[];
  /** Resolves when it was traced; rejects when the run ends without. */
  reached(run: RunId, word: string): Promise<void>;
  /** Of a step; default: its only one. */
  value(run: RunId, step: string, name?: string): Promise<unknown>;
  /** Lets steps go on that wait for `gate()`. */
  openGate(): void;
  events(run: RunId): Promise<readonly RunEvent[]>;
  /** Resolves when the run has ended. */
  ended(run: RunId): Promise<RunRow>;
  /** Resolves when it has completed; rejects with what the controller printed, and all errors of the run. */
  completed(run: RunId): Promise<void>;
}

/** In steps: `trace(word)` and `gate()`, by absolute paths, since directories are not the same everywhere. */
export const marks = (directory: string): Readonly<Record<string, string>> => ({
  'marks.ts': `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
export function trace(word: string): void {
  appendFileSync(${JSON.stringify(join(directory, 'trace.txt'))}, word + '\\n');
}
export async function gate(): Promise<void> {
  for (let waited = 0; !existsSync(${JSON.stringify(join(directory, 'gate'))}); waited += 20) {
    if (waited > 30_000) throw new Error('the gate did not open');
    await setTimeout(20);
  }
}
`,
});

export async function elsewhere(
  files: Readonly<Record<string, string>>,
  options: {
    /** Of packages that npm installs in the project, from the registry of this machine. */
    readonly install?: Readonly<Record<string, string>>;
  } = {},
): Promise<Elsewhere> {
  const notes = emptyDirectory();
  const home = join(emptyDirectory(), 'state');
  const made = scratch({ ...marks(notes), ...files });
  if (options.install !== undefined) {
    const dependencies = options.install;
    made.write({
      'package.json': JSON.stringify({ name: 'scratch', version: '1.0.0', type: 'module', dependencies }),
    });
    await execute('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: made.directory });
    made.link();
  }
  const project = await openProject({ cwd: made.directory, env: { RUN_PIPELINE_HOME: home } });
  onTestFinished(() => project.close());
  const env = { ...TIMES, RUN_PIPELINE_HOME: home };
  const traces = (): readonly string[] => {
    const path = join(notes, 'trace.txt');
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  };
  const ended = (run: RunId): Promise<RunRow> =>
    until(project, async () => {
      const row = await project.store.getRun(run);
      return hasEnded(row) ? row : undefined;
    });
  const away = `${made.directory}-moved`;
  const moveAway = (): void => {
    renameSync(made.directory, away);
    onTestFinished(() => rmSync(away, { recursive: true, force: true, maxRetries: 5 }));
  };
  return {
    project,
    files: made,
    async launch(args, { stay = false } = {}) {
      const known = new Set((await project.store.findRuns({})).map(({ id }) => id));
      await registerIdle({ project } as never, 600_000);
      const terminal = new JsonProcess<RunEvent>(args, { cwd: made.directory, env });
      onTestFinished(async () => {
        send(terminal.pid, 'SIGKILL');
        await terminal.ended;
      });
      const early = terminal.ended.then(({ code }) => {
        throw new Error(`it ended with ${code} before the run waited\n${terminal.stderr}`);
      });
      const row = await Promise.race([
        until(project, async () => (await project.store.findRuns({})).find(({ id }) => !known.has(id))),
        early,
      ]);
      early.catch(() => {});
      terminal.kill('SIGINT');
      await terminal.ended;
      await project.store.removeAgent('idle');
      if (!stay) moveAway();
      return row;
    },
    moveBack: () => renameSync(away, made.directory),
    async program(file) {
      await registerIdle({ project } as never, 600_000);
      const result = await node([file], { cwd: made.directory, env });
      if (result.code !== 0) throw new Error(`${file} ended with ${result.code}\n${result.stderr}`);
      await project.store.removeAgent('idle');
      moveAway();
      return result.stdout;
    },
    async startAndKill(file) {
      await registerIdle({ project } as never, 600_000);
      const child = startNode([file], { cwd: made.directory, env });
      onTestFinished(() => void child.kill('SIGKILL'));
      const row = await until(project, async () => (await project.store.findRuns({}))[0]);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await project.store.removeAgent('idle');
      moveAway();
      return row;
    },
    async agent(args = ['--queue', 'services', '--queue', 'default'], more = {}) {
      const agent = new AgentProcess(args, { cwd: emptyDirectory(), env: { ...env, ...more } });
      onTestFinished(() => agent.remove());
      await agent.told('agent.start');
      return agent;
    },
    traces,
    run: (args) => watchRun(args, { cwd: made.directory, env }),
    async command(args) {
      const cwd = existsSync(made.directory) ? made.directory : emptyDirectory();
      const { code, stdout, stderr } = await runPipeline(args, { cwd, env });
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}\n${stderr}`);
      return stdout;
    },
    damageValues(text, by) {
      const database = new Database(join(home, 'state.db'));
      const rows = database.prepare('SELECT hash, bytes FROM blobs WHERE bytes IS NOT NULL').all();
      const update = database.prepare('UPDATE blobs SET bytes = ? WHERE hash = ?');
      for (const { hash, bytes } of rows as { readonly hash: string; readonly bytes: Uint8Array }[]) {
        const before = Buffer.from(bytes);
        const after = Buffer.from(before.toString('latin1').replaceAll(text, by), 'latin1');
        if (!after.equals(before)) update.run([after, hash]);
      }
      database.close();
    },
    async reached(run, word) {
      let row: RunRow | undefined;
      await eventually(async () => {
        row = await project.store.getRun(run);
        return traces().includes(word) || hasEnded(row);
      });
      if (!traces().includes(word))
        throw new Error(`the run is ${row?.status}, and "${word}" was not traced`);
    },
    value: async (run, step, name = 'result') =>
      query(['get', run, `${step}.${name}`], { cwd: emptyDirectory(), env: { RUN_PIPELINE_HOME: home } }),
    openGate: () => {
      writeFileSync(join(notes, 'gate'), '');
    },
    events: (run) => project.store.readEvents(run),
    ended,
    async completed(run) {
      const { status } = await ended(run);
      if (status === 'completed') return;
      const rows = await project.store.readTaskOutput(run as never, {});
      const errors = (await project.store.readEvents(run)).flatMap((event) =>
        'error' in event && event.error !== undefined ? [JSON.stringify(event.error)] : [],
      );
      const printed = rows.map((row) => (row.kind === 'log' ? row.text : ''));
      throw new Error([`the run is ${status}`, ...printed, ...errors].join('\n'));
    },
  };
}

const hasEnded = (row: RunRow | undefined): boolean =>
  row !== undefined && ['completed', 'failed', 'aborted'].includes(row.status);
