import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { fleet, type AgentProcess, type Fleet } from '../../rig/agents.js';
import { query, runPipeline, watchRun, type RunWatched } from '../../rig/command.js';
import { scratch } from '../../rig/scratch.js';
import { newKeyPair } from '../../rig/engine.js';

const PIPELINE = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'small', project: 'examples' })
export class Small {
  @Step({ returns: ['n'] }) one(): number { return 20; }
  @Step({ inputs: ['$<one.n>'] }) two(n: number): number { return n + 1; }
}
`;
const ours = newKeyPair();
const theirs = newKeyPair();
const SIGNED = { RUN_PIPELINE_SIGNING_KEY: ours.privatePem };

const strict = (it: Fleet, queues = ['default']): Promise<AgentProcess> =>
  it.agent(['--require-signature', '--queue', ...queues], {
    env: { RUN_PIPELINE_TRUSTED_KEYS: ours.publicKey },
    cwd: it.files.directory,
  });
const run = (it: Fleet, env: Readonly<Record<string, string>>, ...more: string[]): Promise<RunWatched> =>
  watchRun(['pipe.ts', '--queue', 'default', ...more], { cwd: it.files.directory, env });
const packagesOf = (it: Fleet): string => join(it.project.home, 'packages');
const filesOf = (it: Fleet, end: string): string[] =>
  readdirSync(packagesOf(it))
    .filter((name) => name.endsWith(end))
    .map((name) => join(packagesOf(it), name));

test('an agent that requires signatures executes what is signed by a key that it trusts, and nothing else', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  await strict(it);
  for (const [who, env] of [
    ['nobody', {}],
    ['somebody else', { RUN_PIPELINE_SIGNING_KEY: theirs.privatePem }],
  ] as const) {
    const refused = await run(it, env);
    expect([who, refused.code]).toEqual([who, 1]);
    expect(refused.ends['one']).toMatchObject({ status: 'failed', error: { code: 'package-unsigned' } });
    expect(refused.ends['one']?.error?.message).toMatch(
      /^the package of step one \(sha256:\w+\) is not signed/,
    );
    expect(refused.stderr).toContain('RUN_PIPELINE_SIGNING_KEY');
  }
  const signed = await run(it, SIGNED);
  expect([signed.code, signed.by]).toEqual([0, { completed: ['one', 'two'] }]);
});

test('a signature that was changed, or is that of another package, is said to be wrong', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  expect((await watchRun(['pipe.ts'], { cwd: it.files.directory, env: SIGNED })).code).toBe(0);
  const [first, second] = filesOf(it, '.sig');
  const swapped = [readFileSync(second!), readFileSync(first!)];
  writeFileSync(first!, swapped[0]!);
  writeFileSync(second!, swapped[1]!);
  await strict(it);
  const refused = await run(it, {}, '--refresh');
  expect(refused.ends['one']).toMatchObject({
    status: 'failed',
    error: {
      code: 'package-unsigned',
      message: expect.stringMatching(/signature of the package of step one .* is wrong/),
    },
  });
});

test('a package that was changed is not executed, signed or not', async () => {
  const it = await fleet({ 'script.ts': `console.log('as it was written');` });
  const cwd = it.files.directory;
  const words = ['task', 'create', 'script.ts', '--project', 'p', '--name', 'n', '--queue', 'default'];
  const { id } = await query<{ id: TaskId }>(words, { cwd, env: SIGNED });
  for (const file of filesOf(it, '.mjs'))
    writeFileSync(file, readFileSync(file, 'utf8').replace('as it was written', 'something else'));
  await strict(it);
  expect(await it.ended(id)).toMatchObject({ status: 'failed', error: { code: 'package-missing' } });
  expect(await it.console(id)).not.toContain('something else');
});

test('a script of a task is executed when it is signed', async () => {
  const it = await fleet({ 'script.ts': `console.log('done');` });
  await strict(it);
  const unsigned = await it.enqueue('script.ts');
  expect(await it.ended(unsigned)).toMatchObject({
    status: 'failed',
    error: { code: 'package-unsigned', message: expect.stringContaining('the task fleet/script.ts') },
  });
  const words = ['task', 'create', 'script.ts', '--project', 'p', '--name', 'n', '--queue', 'default'];
  const { id } = await query<{ id: TaskId }>(words, { cwd: it.files.directory, env: SIGNED });
  expect(await it.ended(id)).toMatchObject({ status: 'completed' });
});

test('the controller of a run is executed only when its file is signed', async () => {
  const it = await fleet({
    'pipe.ts': `${PIPELINE}\nimport { writeFileSync } from 'node:fs';\nif (process.env.TRACES) writeFileSync(process.env.TRACES + '/evaluated', '');\n`,
  });
  await strict(it, ['default', 'services']);
  const evaluated = (): boolean => readdirSync(it.files.directory).includes('evaluated');
  const refused = await run(it, {}, '--remote');
  expect(refused.code).toBe(1);
  expect(refused.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: { code: 'controller-unsigned', message: expect.stringContaining('pipeline small is not signed') },
  });
  expect(evaluated()).toBe(false);
  const signed = await run(it, SIGNED, '--remote');
  expect([signed.code, signed.by, evaluated()]).toEqual([0, { completed: ['one', 'two'] }, true]);
});

test('steps that the controller itself executes on an agent have to be signed too', async () => {
  const it = await fleet({ 'pipe.ts': PIPELINE });
  await strict(it, ['services']);
  const remote = (env: Readonly<Record<string, string>>): Promise<RunWatched> =>
    watchRun(['pipe.ts', '--remote'], { cwd: it.files.directory, env });
  expect((await remote(SIGNED)).code).toBe(0);
  for (const file of filesOf(it, '.sig')) writeFileSync(file, new Uint8Array(64));
  const refused = await remote({});
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/not signed|is wrong/);
});

test('an agent that is to require signatures does not start without keys to trust', async () => {
  const { directory } = scratch({});
  const { code, stderr } = await runPipeline(['agent', '--require-signature'], { cwd: directory });
  expect([code, stderr]).toEqual([2, expect.stringContaining('RUN_PIPELINE_TRUSTED_KEYS names nobody')]);
});

test('keys new makes a pair that no other may read, and replaces none; keys show prints the public one', async () => {
  const { directory } = scratch({});
  const options = { cwd: directory };
  const made = await query<{ file: string; id: string; publicKey: string }>(['keys', 'new'], options);
  expect(made.file).toBe(join(directory, 'run-pipeline-signing.pem'));
  expect(statSync(made.file).mode & 0o777).toBe(0o600);
  const env = { RUN_PIPELINE_SIGNING_KEY: made.file };
  expect(await query(['keys', 'show'], { ...options, env })).toEqual({
    id: made.id,
    publicKey: made.publicKey,
  });
  const again = await runPipeline(['keys', 'new'], options);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('is there already')]);
  const printed = await runPipeline(['keys', 'new', '--out', 'other.pem'], options);
  expect(printed.stdout).toMatch(/RUN_PIPELINE_TRUSTED_KEYS=ed25519:[\w-]{43}\n/);
  expect(printed.stdout + printed.stderr).not.toContain(
    readFileSync(join(directory, 'other.pem'), 'utf8').split('\n')[1],
  );
  const none = await runPipeline(['keys', 'show'], options);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('is not set')]);
});
