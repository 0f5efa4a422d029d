import { expect, test } from 'vitest';
import { createWorkerPool } from './pool.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

test.each([
  ['process.exit()', 'process.exit(7);', 'process-exit', 'process.exit(7)'],
  ['an abort', 'process.abort();', 'worker-lost', 'SIGABRT'],
  [
    'a native fault',
    'process.kill(process.pid, "SIGSEGV"); await new Promise(() => setInterval(() => {}, 1000));',
    'worker-lost',
    'a fault in native code',
  ],
  [
    'the system’s killer',
    'process.kill(process.pid, "SIGKILL"); await new Promise(() => setInterval(() => {}, 1000));',
    'worker-lost',
    'memory ran out',
  ],
  [
    'process.exit() after an await',
    'await 1; setTimeout(() => process.exit(0), 5); await new Promise((r) => setTimeout(r, 60_000));',
    'process-exit',
    'process.exit(0)',
  ],
  ['process.reallyExit()', 'process.reallyExit(9);', 'process-exit', 'exit code 9'],
  [
    'an error outside of its promise',
    'setTimeout(() => { throw new RangeError("in a timer"); }, 1); await new Promise((r) => setTimeout(r, 60_000));',
    'uncaught-exception',
    'in a timer',
  ],
  [
    'a rejection nobody handles',
    'Promise.reject(new RangeError("in the background")); await new Promise((r) => setTimeout(r, 60_000));',
    'unhandled-rejection',
    'in the background',
  ],
  [
    'a rejection it leaves behind',
    'void Promise.reject(new RangeError("left behind")); return 1;',
    'unhandled-rejection',
    'left behind',
  ],
  ['a promise that nothing can settle', 'await new Promise(() => {});', 'never-settled', 'can never settle'],
])('%s in a step costs one task', async (_, code, errorCode, message) => {
  const pool = await rig.pool({ size: 1 });
  const bad = await rig.request(`export default async () => { console.error('last words'); ${code} };`);
  const good = await rig.request('export default () => 1;');
  const lost = await rig.execute(pool, bad);
  expect(lost.outcome).toMatchObject({
    status: 'failed',
    error: { code: errorCode, message: expect.stringContaining(message) },
  });
  expect(lost.stderr).toContain('last words\n');
  expect((await rig.execute(pool, good)).outcome.status).toBe('completed');
});

test('running out of memory is told as such', async () => {
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = '--max-old-space-size=40';
  const pool = await rig.pool({ size: 1 });
  if (before === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = before;
  const request = await rig.request(
    `export default () => {
       const kept = [];
       for (;;) kept.push(Array.from({ length: 1e5 }, (_, index) => ({ index })));
     };`,
  );
  const { outcome } = await rig.execute(pool, request);
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'worker-lost', message: expect.stringContaining('JavaScript heap out of memory') },
  });
});

test('the place of process.exit() is told', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    'const stop = () => process.exit(2);\nexport default () => {\n  stop();\n};',
  );
  const { outcome } = await rig.execute(pool, request);
  expect(outcome).toMatchObject({
    error: { name: 'ProcessExit', at: expect.stringMatching(/task\.mjs:1:28$/) },
  });
});

test('everything printed before process.exit() arrives', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    'export default () => { process.stdout.write("x".repeat(3_000_000)); process.exit(1); };',
  );
  expect((await rig.execute(pool, request)).stdout.length).toBe(3_000_000);
});

test('a child that keeps the pipes open does not delay the end of a lost worker', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    `import { spawn } from 'node:child_process';
     export default async () => {
       spawn('sleep', ['120'], { stdio: 'inherit', detached: true }).unref();
       process.exit(1);
     };`,
  );
  const { outcome } = await rig.execute(pool, request);
  expect(outcome).toMatchObject({ status: 'failed', error: { code: 'process-exit' } });
});

test('a worker entry that cannot start fails the task with what it said', async () => {
  const { writeFile } = await import('node:fs/promises');
  const workerFile = `${rig.directory}/broken.mjs`;
  await writeFile(workerFile, 'throw new Error("no such luck");');
  const pool = createWorkerPool({
    workerFile,
    size: 1,
    recycle: { rssGrowthBytes: 1e9, loadedBytes: 1e9 },
    graceMs: 100,
  });
  const { outcome } = await rig.execute(pool, await rig.request('export default () => 1;'));
  await pool.close();
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('no such luck') },
  });
});

test.each([
  ['process.exit()', 'process.exit(7);', 'process-exit', 'process.exit(7)'],
  [
    'an error outside of its promise',
    'setTimeout(() => { throw new RangeError("in a timer"); }, 1); await new Promise((r) => setTimeout(r, 50));',
    'uncaught-exception',
    'in a timer',
  ],
  [
    'a rejection nobody handles',
    'Promise.reject(new RangeError("in the background")); await new Promise((r) => setTimeout(r, 50));',
    'unhandled-rejection',
    'in the background',
  ],
])('%s in an inline step does not end the controller', async (_, code, errorCode, message) => {
  const others: unknown[] = [];
  const listener = (error: unknown): void => void others.push(error);
  process.on('uncaughtException', listener);
  const pool = await rig.pool();
  const request = await rig.request(`export default async () => { ${code} };`);
  const { outcome } = await rig.execute(pool, request, { isolation: 'inline' });
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: errorCode, message: expect.stringContaining(message) },
  });
  expect(others).toEqual([]);
  expect(process.listeners('uncaughtException')).toContain(listener);
  process.off('uncaughtException', listener);
});
