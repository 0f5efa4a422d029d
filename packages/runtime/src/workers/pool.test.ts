import { expect, test } from 'vitest';
import type { TaskOutcome } from './protocol.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

async function resultOf(outcome: TaskOutcome): Promise<unknown> {
  if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
  return rig.decoded(outcome.artifacts.find(({ record }) => record.name === 'result'));
}

const ISOLATIONS = ['process', 'fresh', 'inline'] as const;

test.each(ISOLATIONS)('a step gives the same result in isolation %s', async (isolation) => {
  const pool = await rig.pool();
  const request = await rig.request(
    `import { currentTask } from '$framework';
     let calls = 0;
     export default async ({ rows, factor }) => {
       calls += 1;
       process.stdout.write('scaling ' + rows.length + '\\n');
       process.stderr.write('by ' + factor + '\\n');
       currentTask().logger.reportSingleValue('factor', factor);
       await currentTask().uploadArtifact('note', { factor });
       rows[0].x = 'changed by the step';
       return { calls, sum: rows.slice(1).reduce((sum, row) => sum + row.x, 0) * factor, env: process.env.MODE };
     };`,
    {
      binding: { kind: 'object' },
      arguments: {
        kind: 'named',
        values: [
          ['rows', await rig.encoded([{ x: 1 }, { x: 2 }, { x: 3 }])],
          ['factor', await rig.encoded(10)],
        ],
      },
      env: { MODE: 'test' },
    },
  );
  for (const attempt of [1, 2]) {
    const { outcome, stdout, stderr, reports } = await rig.execute(
      pool,
      { ...request, attempt },
      { isolation },
    );
    expect(await resultOf(outcome)).toEqual({ calls: 1, sum: 50, env: 'test' });
    expect({ stdout, stderr }).toEqual({ stdout: 'scaling 3\n', stderr: 'by 10\n' });
    expect(reports).toEqual([{ kind: 'single-value', name: 'factor', value: 10 }]);
    expect(outcome).toMatchObject({
      artifacts: [{ record: { name: 'result' } }, { record: { name: 'note' } }],
      reports,
      values: [],
    });
  }
});

test('warm workers are reused for the same closure, and only for it', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request('export default () => process.pid;');
  const a1 = await rig.execute(pool, request, { closureKey: 'a' });
  const a2 = await rig.execute(pool, request, { closureKey: 'a' });
  const b = await rig.execute(pool, request, { closureKey: 'b' });
  const a3 = await rig.execute(pool, request, { closureKey: 'a' });
  expect(a2.pid).toBe(a1.pid);
  expect(b.pid).not.toBe(a1.pid);
  expect(a3.pid).not.toBe(a1.pid);
  expect(await resultOf(a2.outcome)).toBe(a2.pid);
});

test('idle workers of another closure stay while there is room', async () => {
  const pool = await rig.pool({ size: 2 });
  const request = await rig.request('export default () => 1;');
  const a = await rig.execute(pool, request, { closureKey: 'a' });
  const b = await rig.execute(pool, request, { closureKey: 'b' });
  expect((await rig.execute(pool, request, { closureKey: 'a' })).pid).toBe(a.pid);
  expect((await rig.execute(pool, request, { closureKey: 'b' })).pid).toBe(b.pid);
});

test('fresh tasks and those with a worker of their own never share a process', async () => {
  const pool = await rig.pool();
  const request = await rig.request('export default () => process.pid;');
  const pids = new Set<number>();
  for (const options of [
    { isolation: 'fresh' },
    { isolation: 'fresh' },
    { ownWorker: true },
    { ownWorker: true },
    {},
  ] as const) {
    pids.add((await rig.execute(pool, request, options)).pid);
  }
  expect(pids.size).toBe(5);
});

test('workers started ahead of need are used', async () => {
  const pool = await rig.pool();
  pool.warm(2);
  const request = await rig.request(
    'export default () => new Promise((resolve) => setTimeout(resolve, 50));',
  );
  const both = await Promise.all([
    rig.execute(pool, request),
    rig.execute(pool, { ...request, task: 'b' as never }),
  ]);
  const again = await rig.execute(pool, request);
  expect(new Set(both.map(({ pid }) => pid)).size).toBe(2);
  expect(both.map(({ pid }) => pid)).toContain(again.pid);
});

test('more tasks than places wait for their turn', async () => {
  const pool = await rig.pool({ size: 2 });
  const request = await rig.request('export default (n) => n * n;');
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, async (_, n) =>
      rig.execute(pool, {
        ...request,
        task: `square-${n}` as never,
        arguments: { kind: 'positional', values: [await rig.encoded(n)] },
      }),
    ),
  );
  expect(await Promise.all(outcomes.map(({ outcome }) => resultOf(outcome)))).toEqual(
    Array.from({ length: 12 }, (_, n) => n * n),
  );
  expect(new Set(outcomes.map(({ pid }) => pid)).size).toBeLessThanOrEqual(2);
});

test.each([
  ['so many tasks', { tasks: 2 }],
  ['so many bytes of packages', { loadedBytes: 60 }],
])('a worker is replaced after %s', async (_, limit) => {
  const pool = await rig.pool({ size: 1, recycle: { rssGrowthBytes: 1e9, loadedBytes: 1e9, ...limit } });
  const request = await rig.request('export default () => "some forty bytes";');
  const pids = [];
  for (let index = 0; index < 4; index += 1) pids.push((await rig.execute(pool, request)).pid);
  expect(pids[1]).toBe(pids[0]);
  expect(pids[2]).not.toBe(pids[1]);
  expect(pids[3]).toBe(pids[2]);
});

test('a worker is replaced when its memory has grown', async () => {
  const pool = await rig.pool({ size: 1, recycle: { rssGrowthBytes: 100e6, loadedBytes: 1e9 } });
  const small = await rig.request('export default () => 1;');
  const large = await rig.request(
    'export default () => { globalThis[Symbol.for("kept")] = Buffer.alloc(300e6, 1); return 1; };',
  );
  const before = await rig.execute(pool, small);
  const grown = await rig.execute(pool, large);
  const after = await rig.execute(pool, small);
  expect(grown.pid).toBe(before.pid);
  expect(after.pid).not.toBe(before.pid);
});

test('the worker is told before it gets the request', async () => {
  const pool = await rig.pool();
  const request = await rig.request('export default () => Date.now();');
  let registered: unknown;
  const { outcome, pid } = await rig.execute(pool, request, {
    async onStart(worker) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      registered = { ...worker, at: Date.now() };
    },
  });
  expect(registered).toMatchObject({ pid, processGroup: pid, startTime: expect.stringMatching(/^\d+$/) });
  expect(await resultOf(outcome)).toBeGreaterThanOrEqual((registered as { at: number }).at);
});

test('a claim that fails is the caller’s error and costs no worker', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request('export default () => 1;');
  const { pid } = await rig.execute(pool, request);
  const refused = rig.execute(pool, request, {
    onStart: () => Promise.reject(new Error('the claim is lost')),
  });
  await expect(refused).rejects.toThrow('the claim is lost');
  expect((await rig.execute(pool, request)).pid).toBe(pid);
});

test('module state, environment, directory and listeners do not reach the next task', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `let state = 0;
     export default () => {
       state += 1;
       const seen = { state, LEFT: process.env.LEFT, GIVEN: process.env.GIVEN, cwd: process.cwd(),
         listeners: process.listenerCount('SIGUSR2'), exitCode: process.exitCode ?? 'none' };
       process.env.LEFT = 'behind';
       process.chdir('/');
       process.on('SIGUSR2', () => {});
       process.removeAllListeners('message');
       process.exitCode = 3;
       process.stdout.write = () => true;
       return seen;
     };`,
    { env: { GIVEN: 'yes' } },
  );
  const first = await rig.execute(pool, request);
  const second = await rig.execute(pool, { ...request, task: 'second' as never, env: { GIVEN: 'again' } });
  const expected = { state: 1, LEFT: undefined, cwd: rig.directory, listeners: 0, exitCode: 'none' };
  expect(await resultOf(first.outcome)).toEqual({ ...expected, GIVEN: 'yes' });
  expect(await resultOf(second.outcome)).toEqual({ ...expected, GIVEN: 'again' });
  expect(second.pid).toBe(first.pid);
});

test.each([
  ['a timer', 'setInterval(() => {}, 1000);'],
  ['a loop', '(function loop() { setImmediate(loop); })();'],
  [
    'a file it still writes',
    'void (async () => { for (;;) await (await import("node:fs/promises")).writeFile(process.env.STILL, "x"); })();',
  ],
  ['a server', '(await import("node:net")).createServer().listen(0);'],
  [
    'a child process',
    '(await import("node:child_process")).spawn("sleep", ["60"], { stdio: "ignore" }).unref();',
  ],
  [
    'a thread',
    'new (await import("node:worker_threads")).Worker("setInterval(() => {}, 1000)", { eval: true }).unref();',
  ],
  ['a global', 'globalThis.leftBehind = 1;'],
  ['a changed built-in', 'Math.random = () => 4;'],
])('a worker in which a step leaves %s is not used again', async (_, code) => {
  const pool = await rig.pool({ size: 1 });
  const clean = await rig.request('export default () => typeof leftBehind + (Math.random() === 4);');
  const dirty = await rig.request(`export default async () => { ${code} };`, {
    env: { PATH: process.env.PATH ?? '', STILL: `${rig.directory}/still.txt` },
  });
  const before = await rig.execute(pool, clean);
  const left = await rig.execute(pool, dirty);
  const after = await rig.execute(pool, clean);
  expect(left).toMatchObject({ pid: before.pid, outcome: { status: 'completed', artifacts: [] } });
  expect(after.pid).not.toBe(before.pid);
  expect(await resultOf(after.outcome)).toBe('undefinedfalse');
});

test('what a step closes itself does not cost its worker', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `import { createServer, connect } from 'node:net';
     import { once } from 'node:events';
     import { execFileSync } from 'node:child_process';
     export default async () => {
       const server = createServer((socket) => socket.end('hello')).listen(0);
       await once(server, 'listening');
       const socket = connect(server.address().port);
       const [data] = await once(socket, 'data');
       socket.destroy();
       server.close();
       await new Promise((resolve) => setTimeout(resolve, 5));
       return String(data) + execFileSync('echo', ['child']);
     };`,
  );
  const first = await rig.execute(pool, request);
  expect(await resultOf(first.outcome)).toBe('hellochild\n');
  expect((await rig.execute(pool, request)).pid).toBe(first.pid);
});

test('ordinary use of the platform does not cost the worker', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `import { createServer } from 'node:http';
     import { once } from 'node:events';
     import { readFile, writeFile } from 'node:fs/promises';
     import { gzipSync } from 'node:zlib';
     export default async () => {
       console.log('a'); console.time('t'); console.timeEnd('t'); console.count(); console.table([{ a: 1 }]);
       const server = createServer((_, response) => response.end('body')).listen(0);
       await once(server, 'listening');
       const text = await (await fetch('http://127.0.0.1:' + server.address().port, { headers: { connection: 'close' } })).text();
       server.close();
       await once(server, 'close');
       await writeFile('made.txt', text);
       crypto.randomUUID(); performance.now(); structuredClone({ a: navigator?.hardwareConcurrency }); gzipSync('x');
       new Intl.NumberFormat('de').format(1); new TextDecoder().decode(await readFile('made.txt'));
       await new Promise((resolve) => setTimeout(resolve, 2));
       return text;
     };`.replace('navigator?.', 'globalThis.navigator?.'),
  );
  const pids = [];
  for (let index = 0; index < 3; index += 1) pids.push((await rig.execute(pool, request)).pid);
  expect(new Set(pids).size).toBe(1);
});

test('a callback of the caller that throws is the caller’s error, and the worker goes on', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request('export default () => console.log("text");');
  const onLog = (): never => {
    throw new Error('the log is full');
  };
  await expect(rig.execute(pool, request, { onLog })).rejects.toThrow('the log is full');
  expect((await rig.execute(pool, request)).stdout).toBe('text\n');
});

test('closing the pool aborts what runs and ends every worker', async () => {
  const pool = await rig.pool({ graceMs: 100 });
  const request = await rig.request('export default () => { console.log("up"); for (;;); };');
  let up!: () => void;
  const started = new Promise<void>((resolve) => (up = resolve));
  const running = rig.execute(pool, request, { onLog: () => up() });
  await started;
  await pool.close();
  const { outcome, pid } = await running;
  expect(outcome).toMatchObject({ status: 'aborted', reason: 'shutdown' });
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(rig.execute(pool, request)).rejects.toThrow('closed');
});
