import { expect, test } from 'vitest';
import { aborter, useWorkers } from './worker-rig.js';

const rig = await useWorkers();

test.each(['process', 'fresh', 'inline'] as const)(
  'a step is told through its signal (%s)',
  async (isolation) => {
    const pool = await rig.pool();
    const request = await rig.request(
      `import { currentTask } from '$framework';
     export default () => new Promise((_, reject) => {
       const { signal } = currentTask();
       signal.addEventListener('abort', () => { process.stdout.write('cleaned up'); reject(signal.reason); });
       process.stdout.write('up');
     });`,
      { timeout: 1500 },
    );
    const { signal, abort } = aborter();
    const { outcome, stdout } = await rig.execute(pool, request, {
      isolation,
      signal,
      onLog: () => abort('timeout'),
    });
    expect(stdout).toBe('upcleaned up');
    expect(outcome).toEqual({
      status: 'aborted',
      reason: 'timeout',
      error: expect.objectContaining({
        name: 'TimeoutError',
        code: 'timeout',
        message: 'the step ran longer than its timeout of 1.5 s',
      }),
    });
  },
);

test('an abort that comes right after the request reaches the step', async () => {
  const pool = await rig.pool({ graceMs: 60_000 });
  const request = await rig.request(
    `import { currentTask } from '$framework';
     import { setTimeout } from 'node:timers/promises';
     export default () => setTimeout(60_000, 0, { signal: currentTask().signal });`,
  );
  const { signal, abort } = aborter();
  const { outcome } = await rig.execute(pool, request, {
    signal,
    onStart: async () => void setImmediate(() => abort('stopped')),
  });
  expect(outcome).toMatchObject({ status: 'aborted', reason: 'stopped' });
});

test('a busy loop is killed after the grace period', async () => {
  const pool = await rig.pool({ graceMs: 50 });
  const request = await rig.request('export default () => { console.log("up"); for (;;); };');
  const { signal, abort } = aborter();
  const { outcome, stdout, pid } = await rig.execute(pool, request, {
    signal,
    onLog: () => abort('stopped'),
  });
  expect(stdout).toBe('up\n');
  expect(outcome).toMatchObject({
    status: 'aborted',
    reason: 'stopped',
    error: { code: 'aborted', message: expect.stringContaining('killed') },
  });
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('what an aborted step started is killed with it', async () => {
  const pool = await rig.pool({ graceMs: 50 });
  const request = await rig.request(
    `import { spawn } from 'node:child_process';
     export default () => { console.log(spawn('sleep', ['300']).pid); for (;;); };`,
  );
  const { signal, abort } = aborter();
  const { stdout } = await rig.execute(pool, request, { signal, onLog: () => abort('stopped') });
  const child = Number(stdout);
  expect(child).toBeGreaterThan(1);
  expect(await isGone(child)).toBe(true);
});

test('what a step returns because it was aborted is not its result', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    `import { currentTask } from '$framework';
     import { once } from 'node:events';
     export default async () => { console.log('up'); await once(currentTask().signal, 'abort'); return 'half a result'; };`,
  );
  const { signal, abort } = aborter();
  const { outcome } = await rig.execute(pool, request, { signal, onLog: () => abort('stopped') });
  expect(outcome).toMatchObject({ status: 'aborted', reason: 'stopped' });
});

test('a worker whose task ended itself after the abort is used again', async () => {
  const pool = await rig.pool({ size: 1 });
  const waits = await rig.request(
    `import { currentTask } from '$framework';
     import { setTimeout } from 'node:timers/promises';
     export default async () => { console.log('up'); await setTimeout(60_000, 0, { signal: currentTask().signal }); };`,
  );
  const { signal, abort } = aborter();
  const aborted = await rig.execute(pool, waits, { signal, onLog: () => abort('stopped') });
  const next = await rig.execute(pool, await rig.request('export default () => 1;'));
  expect(aborted.outcome.status).toBe('aborted');
  expect(next).toMatchObject({ pid: aborted.pid, outcome: { status: 'completed' } });
});

test('process.exit() as the answer to an abort is an abort', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    `import { currentTask } from '$framework';
     export default () => new Promise(() => { currentTask().signal.addEventListener('abort', () => process.exit(1)); console.log('up'); });`,
  );
  const { signal, abort } = aborter();
  const { outcome } = await rig.execute(pool, request, { signal, onLog: () => abort('shutdown') });
  expect(outcome).toMatchObject({ status: 'aborted', reason: 'shutdown' });
});

test('an aborted task that waits for a place never starts', async () => {
  const pool = await rig.pool({ size: 1 });
  const slow = await rig.request('export default () => new Promise((resolve) => setTimeout(resolve, 100));');
  const running = rig.execute(pool, slow);
  const { signal, abort } = aborter();
  const waiting = rig.execute(pool, await rig.request('export default () => 1;'), { signal });
  abort('stopped');
  expect(await waiting).toMatchObject({ pid: 0, outcome: { status: 'aborted', reason: 'stopped' } });
  expect((await running).outcome.status).toBe('completed');
  expect((await rig.execute(pool, slow)).outcome.status).toBe('completed');
});

test('an inline step that goes on after the grace period is given up', async () => {
  const pool = await rig.pool({ graceMs: 20 });
  const request = await rig.request(
    'export default () => new Promise((resolve) => { process.stdout.write("up"); setTimeout(resolve, 300); });',
  );
  const { signal, abort } = aborter();
  const before = process.env.PATH;
  const { outcome } = await rig.execute(
    pool,
    { ...request, env: {} },
    { isolation: 'inline', signal, onLog: () => abort('timeout') },
  );
  expect(outcome).toMatchObject({ status: 'aborted', reason: 'timeout' });
  expect(process.env.PATH).toBe(before);
  expect((await rig.execute(pool, request, { isolation: 'inline' })).outcome.status).toBe('completed');
});

test('any other reason of the signal counts as stopped', async () => {
  const pool = await rig.pool();
  const request = await rig.request('export default () => 1;');
  const { outcome } = await rig.execute(pool, request, { signal: AbortSignal.abort() });
  expect(outcome).toEqual({ status: 'aborted', reason: 'stopped' });
});

/** Bounded: the kernel needs a moment to reap. */
async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
