import { writeFile } from 'node:fs/promises';
import { json } from 'node:stream/consumers';
import { serialize } from 'node:v8';
import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { errorRecord } from './error-record.js';
import { PackageMap } from './package-map.js';
import type { TaskOutcome } from './protocol.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();
const context = { map: new PackageMap({ file: '/nowhere/task.mjs', sourceMap: undefined }), cwd: '/nowhere' };

const TYPESCRIPT = `interface Row { readonly value: number }

/** A comment that the package does not have. */
function mean(rows: readonly Row[]): number {
  if (rows.length === 0) throw new RangeError('no rows');
  return rows.reduce((sum: number, row: Row) => sum + row.value, 0) / rows.length;
}

export default async function step(rows: readonly Row[]): Promise<number> {
  await Promise.resolve();
  try {
    return mean(rows);
  } catch (error) {
    console.error((error as Error).stack);
    throw new Error('could not train', { cause: error });
  }
}
`;

async function failed(code: string): Promise<TaskOutcome & { status: 'failed' }> {
  const { outcome } = await rig.execute(await rig.pool({ size: 1 }), await rig.request(code));
  if (outcome.status !== 'failed') throw new Error(outcome.status);
  return outcome;
}

test.each(['process', 'inline'] as const)(
  'errors show the places in the user’s TypeScript (%s)',
  async (isolation) => {
    const file = `${rig.directory}/pipe.ts`;
    await writeFile(file, TYPESCRIPT);
    const { code, map } = await transform(TYPESCRIPT, {
      loader: 'ts',
      sourcemap: true,
      sourcefile: file,
      minifyWhitespace: true,
    });
    const request = await rig.request(await rig.package(code, { sourceMap: JSON.parse(map) as object }), {
      arguments: { kind: 'positional', values: [await rig.encoded([])] },
    });
    const run = await rig.controller(
      `import { deserialize } from 'node:v8';
     const pool = createWorkerPool({ workerFile, size: 1, recycle: { rssGrowthBytes: 1e9, loadedBytes: 1e9 }, graceMs: 1000 });
     let stderr = '';
     const outcome = await pool.execute({ request: deserialize(Buffer.from('${serialize(request).toString('base64')}', 'base64')),
       isolation: '${isolation}', closureKey: 'k', ownWorker: false, signal: new AbortController().signal,
       onStart: async () => {}, onReport: () => {}, onLog: ({ text }) => void (stderr += text) });
     await pool.close();
     console.log(JSON.stringify({ outcome, stderr }));`,
    );
    const { outcome, stderr } = (await json(run.stdout)) as { outcome: TaskOutcome; stderr: string };
    expect(outcome).toMatchObject({
      status: 'failed',
      error: {
        name: 'Error',
        message: 'could not train',
        at: 'pipe.ts:15:11',
        stack: 'at step (pipe.ts:15:11)',
        cause: {
          name: 'RangeError',
          message: 'no rows',
          at: 'pipe.ts:5:32',
          stack: 'at mean (pipe.ts:5:32)\nat step (pipe.ts:12:12)',
        },
      },
    });
    const { cause } = (outcome as { error: { cause: { frame: string } } }).error;
    expect(cause.frame).toContain("> 5 │   if (rows.length === 0) throw new RangeError('no rows');");
    // Vitest has a console of its own.
    if (isolation === 'process') expect(stderr).toContain(`at mean (${file}:5:32)`);
  },
);

test('the error itself reaches the controller, for retry.when', async () => {
  const { thrown } = await failed(
    `class HttpError extends Error { name = 'HttpError'; status = 503; headers = { after: 3 }; callback() {} }
     export default () => { throw new HttpError('busy', { cause: new TypeError('inner') }); };`,
  );
  expect(thrown).toBeInstanceOf(Error);
  expect(thrown).toMatchObject({ name: 'HttpError', message: 'busy', status: 503, headers: { after: 3 } });
  expect((thrown as Error).cause).toMatchObject({ name: 'TypeError', message: 'inner' });
});

test.each([
  ['a string', '"plain"', "a string: 'plain'"],
  ['an object', '({ code: 42 })', 'an object: { code: 42 }'],
  ['undefined', 'undefined', 'undefined'],
  [
    'a revoked proxy',
    '(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; })()',
    'Proxy',
  ],
])('what is thrown need not be an error: %s', async (_, value, shown) => {
  const { error } = await failed(`export default () => { throw ${value}; };`);
  expect(error).toMatchObject({ code: 'not-an-error', message: expect.stringContaining(shown) });
});

test.each([
  [
    'getters that throw',
    `Object.defineProperties(new Error('x'), { message: { get() { throw 1; } }, stack: { get() { throw 2; } }, name: { get() { throw 3; } }, cause: { get() { throw 4; } } })`,
  ],
  [
    'fields of other types',
    `Object.assign(new Error('x'), { name: { a: 1 }, message: Symbol('m'), stack: 7, cause: null })`,
  ],
  ['a text that cannot be made', `Object.assign(new Error('x'), { message: { toString() { throw 1; } } })`],
  ['itself as its cause', `(() => { const e = new Error('x'); e.cause = e; return e; })()`],
  ['a proxy', `new Proxy(new Error('x'), { get() { throw 5; }, getPrototypeOf() { throw 6; } })`],
])('an error with %s is told all the same', async (_, value) => {
  const { error } = await failed(`export default () => { throw ${value}; };`);
  expect(typeof error.name).toBe('string');
  expect(typeof error.message).toBe('string');
});

test('the errors of an AggregateError are named', () => {
  const error = new AggregateError([new TypeError('first'), new Error('second'), 'third'], 'all failed');
  expect(errorRecord(error, context)).toMatchObject({
    name: 'AggregateError',
    message: "all failed\n- TypeError: first\n- Error: second\n- a string: 'third'",
    cause: { name: 'TypeError', message: 'first' },
  });
});

test('endless messages, stacks and causes are cut', () => {
  let error: Error = new Error('x'.repeat(10_000_000));
  for (let depth = 0; depth < 100; depth += 1) error = new Error(`level ${depth}`, { cause: error });
  expect(JSON.stringify(errorRecord(error, context)).length).toBeLessThan(1_000_000);
  const long = errorRecord(new Error('x'.repeat(10_000_000)), context);
  expect(long.message).toMatch(/^x{1000,20000}… \(\d+ more characters\)$/);
});

test('a damaged source map does not hide the error', async () => {
  const task = await rig.package('export default () => { throw new Error("seen"); };', {
    sourceMap: { version: 3, mappings: 7 },
  });
  const { outcome } = await rig.execute(await rig.pool(), await rig.request(task));
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { message: 'seen', at: expect.stringMatching(/task\.mjs:1:30$/) },
  });
});
