import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { TaskOutcome, TaskRequest } from './protocol.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

async function valuesOf(outcome: TaskOutcome): Promise<Record<string, unknown>> {
  if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome, null, 1));
  const entries = outcome.artifacts.map(
    async (stored) => [stored.record.name, await rig.decoded(stored)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function run(code: string, options: Partial<TaskRequest> = {}): Promise<TaskOutcome> {
  const pool = await rig.pool({ size: 1 });
  return (await rig.execute(pool, await rig.request(code, options))).outcome;
}

test.each<[string, string, readonly string[] | undefined, Record<string, unknown>]>([
  ['no returns: the artifact result', '({ a: 1 })', undefined, { result: { a: 1 } }],
  ['no returns and no value: nothing', 'undefined', undefined, {}],
  ['no returns and null: null', 'null', undefined, { result: null }],
  ['an empty list: nothing is kept', '({ a: 1 })', [], {}],
  ['one name: the whole value', '[1, 2]', ['pair'], { pair: [1, 2] }],
  ['one name: also an object with that key', '({ a: 1 })', ['a'], { a: { a: 1 } }],
  [
    'several: keys of the object, undeclared ones are not kept',
    '({ a: 1, b: 2, c: 3 })',
    ['a', 'b'],
    { a: 1, b: 2 },
  ],
  ['several: a tuple of that length', '[1, 2]', ['a', 'b'], { a: 1, b: 2 }],
  [
    'several: getters of a class',
    'new (class { get a() { return 1; } b = null; })',
    ['a', 'b'],
    { a: 1, b: null },
  ],
])('%s', async (_, value, returns, expected) => {
  expect(await valuesOf(await run(`export default async () => ${value};`, { returns }))).toEqual(expected);
});

test.each<[string, string, readonly string[], string]>([
  ['one name, undefined', 'undefined', ['model'], '`model`'],
  [
    'a missing key',
    '({ train: 1 })',
    ['train', 'test'],
    '`test` came out undefined: the step returned an object with `train`',
  ],
  ['a shorter tuple', '[1]', ['a', 'b'], 'an array of 1 (2 returns are declared)'],
  ['a key of Object.prototype', '({ a: 1 })', ['a', 'constructor'], '`constructor`'],
  ['no object at all', '7', ['a', 'b'], 'a number'],
])('a declared return that is undefined is an error: %s', async (_, value, returns, message) => {
  const outcome = await run(`export default () => ${value};`, { returns });
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'missing-return', message: expect.stringContaining(message) },
  });
  expect(outcome).toMatchObject({ error: { message: expect.stringContaining('null') } });
});

test('a value that would lose something is an error that names the place', async () => {
  const outcome = await run('export default () => ({ layers: [{ activate() {} }] });');
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'artifact-lossy', message: expect.stringContaining('step.result.layers[0].activate') },
  });
});

test('arguments are bound by position, by name and as one object', async () => {
  const [one, two] = [await rig.encoded(1), await rig.encoded(new Map([['k', 2]]))];
  const named = {
    kind: 'named',
    values: [
      ['b', two],
      ['a', one],
    ],
  } as const;
  const code = 'export default (...args) => args;';
  expect(await valuesOf(await run(code, { arguments: { kind: 'positional', values: [one, two] } }))).toEqual({
    result: [1, new Map([['k', 2]])],
  });
  expect(
    await valuesOf(
      await run(code, { arguments: named, binding: { kind: 'by-name', parameters: ['a', 'b', 'c'] } }),
    ),
  ).toEqual({ result: [1, new Map([['k', 2]]), undefined] });
  expect(await valuesOf(await run(code, { arguments: named, binding: { kind: 'object' } }))).toEqual({
    result: [{ a: 1, b: new Map([['k', 2]]) }],
  });
  expect(await valuesOf(await run(code, { binding: { kind: 'object' } }))).toEqual({ result: [{}] });
});

test('inputs are lists, objects, missing ones and paths into values', async () => {
  const rows = { rows: [{ name: 'Ann' }, { name: 'Bob' }] };
  const outcome = await run('export default (value = "default", missing = "default") => [value, missing];', {
    arguments: {
      kind: 'positional',
      values: [
        {
          kind: 'object',
          entries: [
            [
              'all',
              { kind: 'list', items: [await rig.encoded(rows, ['rows', '1', 'name']), await rig.encoded(3)] },
            ],
            ['gone', { kind: 'undefined' }],
            ['__proto__', await rig.encoded('data')],
          ],
        },
        { kind: 'undefined' },
      ],
    },
  });
  const { result } = await valuesOf(outcome);
  const [value, missing] = result as [Record<string, unknown>, string];
  expect(Object.entries(value)).toEqual([
    ['all', ['Bob', 3]],
    ['gone', undefined],
    ['__proto__', 'data'],
  ]);
  expect(missing).toBe('default');
});

test('a path that leads nowhere says where it ends', async () => {
  const outcome = await run('export default (x) => x;', {
    arguments: { kind: 'positional', values: [await rig.encoded({ a: [] }, ['a', '0', 'b'])] },
  });
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'missing-path', message: expect.stringContaining('`a` has no `0`') },
  });
});

test('large values go through the blob store, and every task decodes its own', async () => {
  const pool = await rig.pool({ size: 1 });
  const produce = await rig.request(
    'export default () => Float64Array.from({ length: 50_000 }, (_, i) => i);',
  );
  const produced = await rig.execute(pool, produce);
  if (produced.outcome.status !== 'completed') throw new Error(JSON.stringify(produced.outcome));
  const [stored] = produced.outcome.artifacts;
  expect(stored?.inline).toBeUndefined();
  const input = {
    kind: 'encoded',
    codec: stored!.record.type,
    codecVersion: stored!.record.codecVersion,
    hash: stored!.record.hash,
    ...(stored!.record.meta !== undefined && { meta: stored!.record.meta }),
  } as const;
  const consume = await rig.request(
    'export default (a, b) => { const sum = a[1] + b[49_999]; a.fill(0); b.fill(0); return [a === b, sum]; };',
    { arguments: { kind: 'positional', values: [input, input] } },
  );
  for (const isolation of ['process', 'inline', 'process'] as const) {
    expect(await valuesOf((await rig.execute(pool, consume, { isolation })).outcome)).toEqual({
      result: [false, 50_000],
    });
  }
});

test('a class step has a fresh instance whose parameters and derived fields are the launch values', async () => {
  const parameters = `globalThis[Symbol.for('run-pipeline.parameters')]`;
  const code = `export default class Train {
     lr = ${parameters}?.has('lr') ? ${parameters}.get('lr') : 0.1;
     epochs = ${parameters}?.has('epochs') ? ${parameters}.get('epochs') : 3;
     derived = this.lr * 10;
     plain = 1;
     #hidden = this.derived + 1;
     train(x) { return { lr: this.lr, epochs: this.epochs, derived: this.derived, hidden: this.#hidden, plain: this.plain, x, calls: (this.calls = (this.calls ?? 0) + 1) }; }
   }`;
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(code, {
    entry: { kind: 'method', method: 'train', parameters: ['lr', 'epochs'] },
    parameters: [
      ['lr', await rig.encoded(5)],
      ['plain', await rig.encoded(2)],
    ],
    arguments: { kind: 'positional', values: [await rig.encoded('x')] },
  });
  const expected = { lr: 5, epochs: 3, derived: 50, hidden: 51, plain: 2, x: 'x', calls: 1 };
  for (const isolation of ['process', 'process', 'inline'] as const) {
    expect(await valuesOf((await rig.execute(pool, request, { isolation })).outcome)).toEqual({
      result: expected,
    });
  }
});

test('codecs that a package registers are its own', async () => {
  const pool = await rig.pool({ size: 1 });
  await writeFile(
    `${rig.directory}/codec.mjs`,
    `const codecs = globalThis[Symbol.for('run-pipeline.codecs')] ??= new Map();
     codecs.set('from-npm', { id: 'from-npm', version: 1, matches: () => false });`,
  );
  const seen = `[...globalThis[Symbol.for('run-pipeline.codecs')].keys()]`;
  const registers = await rig.request(
    `import '${rig.directory}/codec.mjs';
     globalThis[Symbol.for('run-pipeline.codecs')].set('own', { id: 'own', version: 1, matches: () => false });
     export default () => ${seen};`,
  );
  const looks = await rig.request(`export default () => ${seen};`);
  expect(await valuesOf((await rig.execute(pool, registers)).outcome)).toEqual({
    result: ['from-npm', 'own'],
  });
  expect(await valuesOf((await rig.execute(pool, looks)).outcome)).toEqual({ result: ['from-npm'] });
});

test('files come as local copies that go away with the task', async () => {
  const { file } = await import('@run-pipeline/core/define');
  await writeFile(`${rig.directory}/data.csv`, 'a,b\n1,2\n');
  const scratch = `${rig.directory}/scratch`;
  await mkdir(scratch);
  const outcome = await run(
    `import { readFileSync } from 'node:fs';
     export default (csv) => ({ path: csv.path, name: csv.name, text: readFileSync(csv.path, 'utf8') });`,
    {
      arguments: { kind: 'positional', values: [await rig.encoded(file(`${rig.directory}/data.csv`))] },
      scratch,
    },
  );
  const { result } = await valuesOf(outcome);
  expect(result).toMatchObject({ name: 'data.csv', text: 'a,b\n1,2\n' });
  await expect(readFile((result as { path: string }).path)).rejects.toThrow('ENOENT');
});

test('a package that does not load fails the task with the reason', async () => {
  const thrown = await run('throw new TypeError("at the top level");\nexport default () => 1;');
  expect(thrown).toMatchObject({
    status: 'failed',
    error: { name: 'TypeError', message: 'at the top level' },
  });
  const empty = await run('export const x = 1;');
  expect(empty).toMatchObject({ status: 'failed', error: { code: 'damaged-package' } });
  const missing = await run('import "./not-there.mjs";');
  expect(missing).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('not-there.mjs') },
  });
});
