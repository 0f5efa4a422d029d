import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RunEvent } from '@run-pipeline/core/model';
import { expect, onTestFinished } from 'vitest';
import { LEASE_MS, type Fleet } from '../../rig/agents.js';
import { eventually, send } from '../../rig/crash.js';
import { repository } from '../../rig/scratch.js';
import { JsonProcess } from '../../rig/json-process.js';
import { processIdentity } from '../../rig/engine.js';

/** As `--import` of node: projects of tests have no tsx of their own. */
export const TSX = pathToFileURL(join(repository, 'node_modules/tsx/dist/loader.mjs')).href;

/** The command line in the project's directory, while it runs. */
export class Terminal extends JsonProcess<RunEvent> {
  constructor(it: Fleet, args: readonly string[]) {
    super(args, {
      cwd: it.files.directory,
      env: { RUN_PIPELINE_LEASE_MS: String(LEASE_MS), RUN_PIPELINE_GRACE_MS: '500' },
    });
    onTestFinished(async () => {
      send(this.pid, 'SIGKILL');
      await this.ended;
    });
  }

  async event(type: RunEvent['type'], step?: string): Promise<RunEvent> {
    const found = await this.printed(
      (event) => event.type === type && (step === undefined || ('step' in event && event.step === step)),
    );
    if (found === undefined) throw new Error(`ended without ${type} of ${step}\n${this.stderr}`);
    return found;
  }
}

export const at = (it: Fleet) => ({
  cwd: it.files.directory,
  env: { RUN_PIPELINE_LEASE_MS: String(LEASE_MS), RUN_PIPELINE_GRACE_MS: '500' },
});
export const traces = (it: Fleet): readonly string[] =>
  readFileSync(it.files.path('trace.txt'), 'utf8').trimEnd().split('\n');
export const openGate = (it: Fleet): void => it.files.write({ gate: '' });
/** What starts in the directory of the project, as agents of a user would. */
export const agentHere = (it: Fleet, ...args: readonly string[]) =>
  it.agent(args, { cwd: it.files.directory });
export const onlyRun = async ({ project }: Fleet) => {
  const [run, ...more] = await project.store.findRuns({});
  expect(more).toEqual([]);
  return run!;
};
/** An agent that is known for a while and takes nothing. */
export const registerIdle = ({ project }: Fleet, leaseMs: number, queues: readonly string[] = ['services']) =>
  project.store.registerAgent({
    id: 'idle',
    identity: processIdentity(),
    queues,
    concurrency: 1,
    resources: {},
    leaseMs,
    version: '0.0.0',
  });

/** The number that somebody writes into a file of the project. */
export async function appeared(it: Fleet, file: string): Promise<number> {
  const read = (): string => {
    try {
      return readFileSync(it.files.path(file), 'utf8');
    } catch {
      return '';
    }
  };
  await eventually(() => read() !== '');
  return Number(read());
}

export function isController(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('controller.js');
  } catch {
    return false;
  }
}
