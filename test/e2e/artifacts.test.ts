import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratch, type Scratch } from '../rig/scratch.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

const RETURNS = {
  'class.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'class' })
export class Returns {
  @Step({ returns: ['a', 'b'] } as never) object(): object { return { a: 1, b: [2], c: 3 }; }
  @Step({ returns: ['a', 'b'] }) tuple(): [number, string] { return [1, 'two']; }
  @Step({ returns: ['pair'] }) one(): [number, string] { return [1, 'two']; }
  @Step() undeclared(): object { return { a: 1 }; }
  @Step() nothing(): void {}
  @Step({ returns: [] }) dropped(): number { return 1; }
  @Step({ returns: ['a', 'nil'] } as never) nil(): object { return { a: 1, nil: null }; }
  @Step({ returns: ['a', 'b'] } as never) missing(): object { return { a: 1, c: 2 }; }
  @Step({ returns: ['value'] } as never) none(): void {}
  @Step({ returns: ['a', 'b'] } as never) short(): number[] { return [1]; }
}
`,
  'controller.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'controller' });
const add = (name: string, fn: () => unknown, functionReturn?: string[]) =>
  pipe.addFunctionStep({ name, function: fn, ...(functionReturn === undefined ? {} : { functionReturn }) } as never);
const object = () => ({ a: 1, b: [2], c: 3 }), tuple = () => [1, 'two'], undeclared = () => ({ a: 1 });
const nothing = () => {}, dropped = () => 1, nil = () => ({ a: 1, nil: null }), missing = () => ({ a: 1, c: 2 }), short = () => [1];
add('object', object, ['a', 'b']);
add('tuple', tuple, ['a', 'b']);
add('one', tuple, ['pair']);
add('undeclared', undeclared);
add('nothing', nothing);
add('dropped', dropped, []);
add('nil', nil, ['a', 'nil']);
add('missing', missing, ['a', 'b']);
add('none', nothing, ['value']);
add('short', short, ['a', 'b']);
export { pipe };
`,
  'function.ts': `
import { pipeline, step } from 'run-pipeline';
const steps = [
  step({ name: 'object', returns: ['a', 'b'] }, () => ({ a: 1, b: [2], c: 3 })),
  step({ name: 'tuple', returns: ['a', 'b'] }, (): [number, string] => [1, 'two']),
  step({ name: 'one', returns: ['pair'] }, (): [number, string] => [1, 'two']),
  step({ name: 'undeclared' }, () => ({ a: 1 })),
  step({ name: 'nothing' }, () => {}),
  step({ name: 'dropped', returns: [] }, () => 1),
  step({ name: 'nil', returns: ['a', 'nil'] }, () => ({ a: 1, nil: null })),
  step({ name: 'missing', returns: ['a', 'b'] as never }, () => ({ a: 1, c: 2 })),
  step({ name: 'none', returns: ['value'] as never }, () => {}),
  step({ name: 'short', returns: ['a', 'b'] as never }, () => [1]),
];
export const calls = pipeline({ name: 'calls' }, () => { for (const call of steps) (call as () => void)(); });
`,
};

test.each(['class', 'controller', 'function'])(
  'returns become named artifacts; a declared one that is missing is an error that names it (%s)',
  async (writing) => {
    const project = scratch(RETURNS);
    const options = { cwd: project.directory };
    const run = await watchRun([`${writing}.ts`], options);
    expect(run.code).toBe(1);
    const names = Object.fromEntries(
      Object.entries(run.ends).map(([step, end]) => [step, end.artifacts.map(({ name }) => name)]),
    );
    expect(names).toEqual({
      object: ['a', 'b'],
      tuple: ['a', 'b'],
      one: ['pair'],
      undeclared: ['result'],
      nothing: [],
      dropped: [],
      nil: ['a', 'nil'],
      missing: [],
      none: [],
      short: [],
    });
    expect(run.by.failed).toEqual(['missing', 'none', 'short']);
    for (const [step, message] of [
      ['missing', /declared return `b` came out undefined.*`a`, `c`/],
      ['none', /declared return `value` came out undefined/],
      ['short', /`a`, `b`.*an array of 1/],
    ] as const) {
      expect(run.ends[step]!.error).toMatchObject({
        code: 'missing-return',
        message: expect.stringMatching(message) as string,
      });
    }
    expect(await query(['get', 'latest', 'tuple.b'], options)).toBe('two');
    expect(await query(['get', 'latest', 'one'], options)).toEqual([1, 'two']);
  },
);

const LARGE = `
import { directory, file, Pipeline, Step, type FileValue } from 'run-pipeline';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
@Pipeline({ name: 'large', cache: true })
export class Large {
  @Step() rows(): { id: number; text: string }[] { return Array.from({ length: 2000 }, (_, id) => ({ id, text: 'row ' + id })); }
  @Step({ inputs: ['$<rows.result>'] }) count(rows: object[]): number { return rows.length; }
  @Step() numbers(): { values: Float64Array; note: string } { return { values: Float64Array.from({ length: 5000 }, (_, i) => i / 2), note: 'n' }; }
  @Step({ inputs: ['$<numbers.result>'] } as never) sum({ values }: { values: Float64Array }): number { return values.reduce((a, b) => a + b, 0); }
  @Step({ returns: ['one', 'two'] } as never) folders(): object {
    const make = (name: string) => {
      mkdirSync(name + '/folder/sub', { recursive: true });
      for (const part of name === 'x' ? ['sub/b', 'a'] : ['a', 'sub/b']) writeFileSync(name + '/folder/' + part, part);
      utimesSync(name + '/folder/a', new Date(0), new Date(name === 'x' ? 1e12 : 2e12));
      return directory(name + '/folder');
    };
    return { one: make('x'), two: make('y') };
  }
}
`;

function blobs(project: Scratch): readonly string[] {
  return readdirSync(project.path('.run-pipeline/blobs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('an artifact records type, size, hash, preview and place; equal folders hash the same', async () => {
  const project = scratch({ 'pipe.ts': LARGE });
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts'], options);
  expect(run.code).toBe(0);
  const [rows] = run.ends['rows']!.artifacts;
  expect(rows).toMatchObject({
    name: 'result',
    type: 'superjson',
    hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    size: expect.any(Number) as number,
    url: expect.any(String) as string,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
  });
  expect(rows!.size).toBeGreaterThan(40_000);
  expect(rows!.preview!.length).toBeLessThan(2_000);
  const [one, two] = run.ends['folders']!.artifacts;
  expect([one!.type, one!.hash]).toEqual(['directory', two!.hash]);
  expect(await query(['get', 'latest', 'count'], options)).toBe(2000);
  expect(await query(['get', 'latest', 'sum'], options)).toBe(6_248_750);

  // Written out: a value as JSON, a folder as its tree.
  expect((await runPipeline(['get', 'latest', 'rows', '-o', 'rows.json'], options)).code).toBe(0);
  expect(JSON.parse(readFileSync(project.path('rows.json'), 'utf8'))).toHaveLength(2000);
  expect((await runPipeline(['get', 'latest', 'folders.one', '-o', 'copy'], options)).code).toBe(0);
  expect(readdirSync(project.path('copy'), { recursive: true }).sort()).toEqual([
    'a',
    'sub',
    join('sub', 'b'),
  ]);
});

test('a damaged artifact is never used: reading it is a typed error, a run makes it anew', async () => {
  const project = scratch({ 'pipe.ts': LARGE });
  const options = { cwd: project.directory };
  const first = await watchRun(['pipe.ts'], options);
  const hash = first.ends['rows']!.artifacts[0]!.hash.replace('sha256:', '');
  const file = blobs(project).find((path) => path.replaceAll(/[\\/]/g, '').includes(hash))!;
  const bytes = readFileSync(file);
  bytes[100] = bytes[100]! ^ 1;
  writeFileSync(file, bytes, { mode: statSync(file).mode });

  const got = await runPipeline(['get', 'latest', 'rows', '--json'], options);
  expect(got.code).toBe(4);
  expect(got.stderr).toMatch(/the artifact result cannot be read: .*damaged/);
  expect(JSON.parse(got.stdout)).toMatchObject({
    error: { kind: expect.stringMatching(/artifact|store/) as string },
  });
  const again = await watchRun(['pipe.ts'], options);
  expect(again.by).toEqual({ cached: ['count', 'folders', 'numbers', 'sum'], completed: ['rows'] });
  expect(again.ends['rows']!.why.join()).toMatch(/damaged/);
  expect((await watchRun(['pipe.ts'], options)).by.completed).toBeUndefined();
  expect(await query<unknown[]>(['get', 'latest', 'rows'], options)).toHaveLength(2000);
});

test('a value that cannot be stored without loss is an error that names the path inside it', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { PipelineController, file } from 'run-pipeline';
class Point { constructor(readonly x: number) {} }
const values: Record<string, () => unknown> = {
  method: () => ({ layers: [{}, {}, { activate: () => 1 }] }),
  symbol: () => ({ a: Symbol('x') }),
  instance: () => [{ point: new Point(1) }],
  hole: () => ({ list: [1, , 3] }),
  date: () => ({ at: new Date('nonsense') }),
  promise: () => ({ later: Promise.resolve(1) }),
  gone: () => ({ a: [file('nowhere.txt')] }),
};
export const pipe = new PipelineController({ name: 'lossy' });
const { method, symbol, instance, hole, date, promise, gone } = values;
pipe.addFunctionStep({ name: 'method', function: () => ({ layers: [{}, {}, { activate: () => 1 }] }), functionReturn: ['model'] } as never);
pipe.addFunctionStep({ name: 'symbol', function: () => ({ a: Symbol('x') }) } as never);
pipe.addFunctionStep({ name: 'instance', function: () => [{ point: new Point(1) }] } as never);
pipe.addFunctionStep({ name: 'hole', function: () => ({ list: [1, , 3] }) } as never);
pipe.addFunctionStep({ name: 'date', function: () => ({ at: new Date('nonsense') }) } as never);
pipe.addFunctionStep({ name: 'promise', function: () => ({ later: Promise.resolve(1) }) } as never);
pipe.addFunctionStep({ name: 'gone', function: () => file('nowhere.txt') } as never);
`,
    }).directory,
  };
  const run = await watchRun(['pipe.ts'], options);
  expect(run.code).toBe(1);
  for (const [step, message] of [
    ['method', /model\.layers\[2\]\.activate is a function/],
    ['symbol', /\.a is a symbol/],
    ['instance', /\[0\]\.point.*Point/],
    ['hole', /\.list\[1\].*hole/],
    ['date', /\.at.*invalid/],
    ['promise', /\.later.*Promise/],
    ['gone', /nowhere\.txt/],
  ] as const) {
    expect(run.ends[step]).toMatchObject({
      status: 'failed',
      artifacts: [],
      error: { message: expect.stringMatching(message) as string },
    });
  }
});

const ISOLATION = (isolation: string) => `
import { execFileSync } from 'node:child_process';
import { Pipeline, Step, currentTask } from 'run-pipeline';
const seen: string[] = [];
const all = { isolation: '${isolation}' as const };
@Pipeline({ name: 'isolation', concurrency: 1 })
export class Isolation {
  @Step({ ...all, returns: ['value'] } as never) load(): object { return { list: [1, 2, 3], at: new Date(0), map: new Map([['a', new Float64Array([1])]]) }; }
  @Step({ ...all, inputs: ['$<load.value>'] } as never) b(value: { list: number[]; map: Map<string, Float64Array> }): number[] {
    value.list.push(4);
    value.map.get('a')![0] = 7;
    process.env.LEFT_BEHIND = 'b';
    (globalThis as Record<string, unknown>).leftBehind = 'b';
    return value.list;
  }
  @Step({ ...all, inputs: ['$<load.value>', '$<b.result>'] } as never) c(value: { list: number[]; map: Map<string, Float64Array> }, _after: unknown): unknown {
    return [value.list, value.map.get('a')![0], process.env.LEFT_BEHIND ?? 'clean'];
  }
  @Step({ ...all }) speaks(): string {
    console.log('out of ' + currentTask()!.name);
    console.error('err');
    ${isolation === 'inline' ? "console.log('child')" : "execFileSync(process.execPath, ['-e', \"console.log('child')\"], { stdio: 'inherit' })"};
    currentTask()!.logger.reportScalar({ title: 'loss', series: 'train', value: 0.5, iteration: 1 });
    return 'said';
  }
}
`;

test('the results are the same in every isolation, and no step sees what another did to its copy', async () => {
  const hashes: unknown[] = [];
  for (const isolation of ['process', 'fresh', 'inline']) {
    const project = scratch({ 'pipe.ts': ISOLATION(isolation) });
    const options = { cwd: project.directory };
    const run = await watchRun(['pipe.ts'], options);
    expect([isolation, run.by]).toEqual([isolation, { completed: ['b', 'c', 'load', 'speaks'] }]);
    expect(await query(['get', 'latest', 'b'], options)).toEqual([1, 2, 3, 4]);
    expect([isolation, await query(['get', 'latest', 'c'], options)]).toEqual([
      isolation,
      [[1, 2, 3], 1, 'clean'],
    ]);
    hashes.push(
      Object.entries(run.ends)
        .map(([step, end]) => [step, end.artifacts.map(({ hash }) => hash)])
        .sort(),
    );
    const said = run.events.flatMap((event) =>
      event.type === 'step.log' ? [[event.step, event.stream, event.text]] : [],
    );
    const text = (stream: string): string =>
      said
        .filter((line) => line[1] === stream)
        .map((line) => line[2])
        .join('');
    expect([isolation, text('stdout'), text('stderr')]).toEqual([
      isolation,
      'out of speaks\nchild\n',
      'err\n',
    ]);
    expect(run.events.find((event) => event.type === 'step.report')).toMatchObject({ step: 'speaks' });
  }
  expect(hashes[1]).toEqual(hashes[0]);
  expect(hashes[2]).toEqual(hashes[0]);
});

test('a step that ends its process, or throws later, costs itself and nothing else', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'crashes' })
export class Crashes {
  @Step() exits(): void { process.exit(0); }
  @Step() kills(): Promise<void> { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); }
  @Step() late(): Promise<void> { setImmediate(() => { throw new Error('too late'); }); return new Promise(() => {}); }
  @Step() never(): Promise<void> { return new Promise(() => {}); }
  @Step() fine(): number { return 1; }
  @Step({ inputs: ['$<fine.result>'] }) after(n: number): number { return n + 1; }
}
`,
    }).directory,
  };
  const run = await watchRun(['pipe.ts'], options);
  expect([run.code, run.by]).toEqual([
    1,
    { completed: ['after', 'fine'], failed: ['exits', 'kills', 'late', 'never'] },
  ]);
  expect(run.ends['exits']!.error!.message).toMatch(/exit/);
  expect(run.ends['kills']!.error!.message).toMatch(/SIGKILL/);
  expect(run.ends['late']!.error!.message).toMatch(/too late/);
  expect(run.events.at(-1)).toMatchObject({ type: 'run.end', status: 'failed' });
});

test('what a step reports and uploads belongs to its cached result', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step, currentTask } from 'run-pipeline';
@Pipeline({ name: 'reports', cache: true })
export class Reports {
  @Step({ returns: ['model'] }) async train(): Promise<number> {
    const { logger } = currentTask()!;
    logger.reportScalar({ title: 'loss', series: 'train', value: 0.5, iteration: 1 });
    logger.reportTable({ title: 'rows', table: [{ a: 1 }, { a: 2 }] });
    currentTask()!.uploadArtifact('notes', 'first');
    await currentTask()!.uploadArtifact('notes', { second: true });
    return 1;
  }
}
`,
    }).directory,
  };
  const kept = async (): Promise<unknown> => {
    const run = await watchRun(['pipe.ts'], options);
    expect(run.code).toBe(0);
    const reports = run.events.flatMap((event) => (event.type === 'step.report' ? [event.report] : []));
    return [reports, run.ends['train']!.artifacts];
  };
  const executed = await kept();
  expect(executed).toMatchObject([
    [
      { kind: 'scalar', title: 'loss', series: 'train', value: 0.5, iteration: 1 },
      { kind: 'table', title: 'rows' },
    ],
    expect.toSatisfy((artifacts: { name: string }[]) => artifacts.length === 2),
  ]);
  expect(await query(['get', 'latest', 'train.notes'], options)).toEqual({ second: true });
  expect(await kept()).toEqual(executed);
});

test('a chain of five steps that do nothing does not wait for anything', async () => {
  const step = (index: number): string =>
    `@Step(${index === 0 ? '' : `{ inputs: ['$<s${index - 1}.result>'] }`}) s${index}(n?: number): number { return (n ?? 0) + 1; }`;
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'chain' })
export class Chain { ${[0, 1, 2, 3, 4].map(step).join('\n')} }
`,
    }).directory,
  };
  const run = await watchRun(['pipe.ts'], options);
  expect(await query(['get', 'latest', 's4'], options)).toBe(5);
  // Far more than it takes on a busy machine, far less than one turn of any polling.
  expect(run.events.at(-1)).toMatchObject({
    durationMs: expect.toSatisfy((ms: number) => ms < 4_000) as number,
  });
});
