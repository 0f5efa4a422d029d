import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunEvent, RunId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { onTestFinished } from 'vitest';
import { openProject } from '../../../packages/runtime/src/engine/index.js';
import type { Project } from '../../../packages/runtime/src/project/project.js';
import { AgentProcess, emptyDirectory, LEASE_MS, until } from '../../rig/agents.js';
import { node, query } from '../../rig/command.js';
import { eventually } from '../../rig/crash.js';
import { JsonProcess, send } from '../../rig/json-process.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { registerIdle, TSX } from './rig.js';

const execute = promisify(execFile);
const TIMES = { RUN_PIPELINE_LEASE_MS: String(LEASE_MS), RUN_PIPELINE_GRACE_MS: '500' };

/**
 * A project whose state lies elsewhere, and that is not there any more when agents execute what it has
 * enqueued: what remains is what agents on other machines have.
 */
export interface Elsewhere {
  readonly project: Project;
  readonly files: Scratch;
  /** Enqueues by the command line, and moves the project's directory away. */
  launch(args: readonly string[]): Promise<RunRow>;
  /** The same by a program: `node FILE`, which ends by itself. */
  program(file: string): Promise<string>;
  /** In an empty directory of its own. */
  agent(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<AgentProcess>;
  /** What `trace(word)` has left, in order. */
  traces(): readonly string[];
  /** Resolves when it was traced. */
  reached(word: string): Promise<void>;
  /** The result of a step that returned one value. */
  value(run: RunId, step: string): Promise<unknown>;
  /** Lets steps go on that wait for `gate()`. */
  openGate(): void;
  events(run: RunId): Promise<readonly RunEvent[]>;
  /** Resolves when the run has ended. */
  ended(run: RunId): Promise<RunRow>;
  /** What the controller printed. */
  console(run: RunId): Promise<string>;
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
  const moveAway = (): void => {
    const away = `${made.directory}-moved`;
    renameSync(made.directory, away);
    onTestFinished(() => rmSync(away, { recursive: true, force: true, maxRetries: 5 }));
  };
  return {
    project,
    files: made,
    async launch(args) {
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
        until(project, async () => (await project.store.findRuns({}))[0]),
        early,
      ]);
      early.catch(() => {});
      terminal.kill('SIGINT');
      await terminal.ended;
      await project.store.removeAgent('idle');
      moveAway();
      return row;
    },
    async program(file) {
      await registerIdle({ project } as never, 600_000);
      const result = await node(['--import', TSX, file], { cwd: made.directory, env });
      if (result.code !== 0) throw new Error(`${file} ended with ${result.code}\n${result.stderr}`);
      await project.store.removeAgent('idle');
      moveAway();
      return result.stdout;
    },
    async agent(args = ['--queue', 'services', '--queue', 'default'], more = {}) {
      const agent = new AgentProcess(args, { cwd: emptyDirectory(), env: { ...env, ...more } });
      onTestFinished(() => agent.remove());
      await agent.told('agent.start');
      return agent;
    },
    traces,
    reached: (word) => eventually(() => traces().includes(word)),
    value: async (run, step) =>
      query(['get', run, `${step}.result`], { cwd: emptyDirectory(), env: { RUN_PIPELINE_HOME: home } }),
    openGate: () => {
      writeFileSync(join(notes, 'gate'), '');
    },
    events: (run) => project.store.readEvents(run),
    ended: (run) =>
      until(project, async () => {
        const row = await project.store.getRun(run);
        return row !== undefined && ['completed', 'failed', 'aborted'].includes(row.status) ? row : undefined;
      }),
    async console(run) {
      const rows = await project.store.readTaskOutput(run as never, {});
      return rows.map((row) => (row.kind === 'log' ? row.text : '')).join('');
    },
  };
}
