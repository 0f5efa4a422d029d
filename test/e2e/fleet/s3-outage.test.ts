import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { RunEvent } from '@run-pipeline/core/model';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { query, watchRun } from '../../rig/command.js';
import { JsonProcess } from '../../rig/json-process.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch, type Scratch } from '../../rig/scratch.js';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

/** The server takes connections and answers nothing, as one that is overloaded, or behind a broken network. */
const standStill = (): void => void process.kill(s3.pid, 'SIGSTOP');
const goOn = (): void => void process.kill(s3.pid, 'SIGCONT');

const PIPELINE = `
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Pipeline, Step, file } from 'run-pipeline';
@Pipeline({ name: 'outage', project: 'examples' })
export class Outage {
  @Step({ returns: ['text'], env: ['GATE'] })
  async make(): Promise<string> {
    console.log('made');
    while (!existsSync(process.env.GATE!)) await delay(50);
    return 'a long text '.repeat(9_000);
  }
  @Step({ inputs: ['$<make.text>'] })
  use(text: string): number { return text.length; }
}
`;
const LENGTH = 9_000 * 'a long text '.length;

interface Project {
  readonly files: Scratch;
  readonly env: Record<string, string>;
  open(): void;
}

function project(): Project {
  const files = scratch({ 'pipe.ts': PIPELINE });
  const env = {
    ...s3.env(files.directory.split('/').at(-1)),
    RUN_PIPELINE_STORE: files.path('state.db'),
    GATE: files.path('gate'),
    RUN_PIPELINE_BLOBS_PATIENCE_MS: '900',
  };
  onTestFinished(goOn);
  return { files, env, open: () => files.write({ gate: '' }) };
}

const made = (event: RunEvent): boolean => event.type === 'step.log' && event.text === 'made\n';

test('a run fails when the bucket stands still for longer than its patience, says so, and is resumed', async () => {
  const it = project();
  const at = { cwd: it.files.directory, env: it.env };
  const run = new JsonProcess<RunEvent>(['pipe.ts'], at);
  expect(await run.printed(made)).toBeDefined();
  standStill();
  it.open();
  const { code } = await run.ended;
  expect(code).not.toBe(0);
  expect(run.stderr).toMatch(/s3:\/\/artifacts\/.* failed for 0\.9 s/);
  expect(run.stderr).toContain(`run-pipeline resume ${run.lines[0]!.run} continues the run`);
  goOn();
  const resumed = await watchRun(['resume', 'latest'], at);
  expect(resumed).toMatchObject({ code: 0, by: { completed: ['make', 'use'] } });
  expect(await query(['get', 'latest', 'use'], at)).toBe(LENGTH);
});

test('an agent waits until the bucket is there again, keeps what it made, and tells of both', async () => {
  const it = project();
  const agent = new AgentProcess(['--queue', 'default'], {
    cwd: emptyDirectory(),
    env: { ...it.env, RUN_PIPELINE_HOME: join(it.files.directory, 'agent') },
  });
  onTestFinished(() => agent.remove());
  await agent.told('agent.start');
  const run = new JsonProcess<RunEvent>(['pipe.ts', '--queue', 'default'], {
    cwd: it.files.directory,
    env: { ...it.env, RUN_PIPELINE_BLOBS_PATIENCE_MS: '60000' },
  });
  expect(await run.printed(made)).toBeDefined();
  standStill();
  it.open();
  expect((await agent.told('store.trouble')).message).toMatch(/failed for 0\.9 s/);
  goOn();
  await agent.told('store.back');
  expect(await run.ended).toMatchObject({ code: 0 });
  expect(
    run.lines.flatMap((event) => (event.type === 'step.start' ? [[event.step, event.attempt]] : [])),
  ).toEqual([
    ['make', 1],
    ['use', 1],
  ]);
  expect(await query(['get', 'latest', 'use'], { cwd: it.files.directory, env: it.env })).toBe(LENGTH);
});
