import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { query, watchRun } from '../rig/warm.js';
import { npmPackage, scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';

const PIPELINE = {
  'pipe.ts': `
import { Pipeline, Step, Parameter } from 'run-pipeline';
import { scale } from './helper';
@Pipeline({ name: 'p', cache: true })
export class P {
  @Parameter() factor = 2;
  @Step({ returns: ['rows'] }) load(): number[] { return [1, 2, 3]; }
  @Step({ inputs: ['$<load.rows>', '$<pipeline.factor>'], returns: ['scaled'] })
  multiply(rows: number[], factor: number): number[] { return rows.map((row) => scale(row, factor)); }
  @Step({ inputs: ['$<multiply.scaled>'] }) total(rows: number[]): number { return rows.reduce((a, b) => a + b, 0); }
}
`,
  'helper.ts': `export const scale = (value: number, factor: number): number => value * factor;\nexport const unused = () => 1;\n`,
};

test('an identical re-run executes nothing, and its outputs are usable', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  const first = await watchRun(['pipe.ts'], options);
  expect(first.stderr + first.code).toMatch(/0$/);
  expect(first.by).toEqual({ completed: ['load', 'multiply', 'total'] });
  const second = await watchRun(['pipe.ts'], options);
  expect(second.by).toEqual({ cached: ['load', 'multiply', 'total'] });
  expect(second.events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  expect(await query(['get', 'latest', 'total'], options)).toBe(12);
});

test('an edited helper re-runs the step that uses it, and plan had named it', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  project.write({
    'helper.ts': `export const scale = (value: number, factor: number): number => value * factor + 1;\nexport const unused = () => 1;\n`,
  });
  const plan = await query<{ steps: { name: string; action: string; reasons: string[] }[] }>(
    ['plan', 'pipe.ts'],
    options,
  );
  expect(plan.steps.map(({ name, action }) => [name, action])).toEqual([
    ['load', 'cached'],
    ['multiply', 'run'],
    ['total', 'depends'],
  ]);
  expect(plan.steps[1]?.reasons.join()).toContain('`scale` (helper.ts:1) changed');
  const run = await watchRun(['pipe.ts'], options);
  expect(run.by).toEqual({ cached: ['load'], completed: ['multiply', 'total'] });
  expect(run.ends['multiply']?.why.join()).toContain('`scale` (helper.ts:1) changed');
});

test('unrelated edits, comments and formatting are hits', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  project.write({
    'pipe.ts': `// a comment\n${PIPELINE['pipe.ts'].replace('return [1, 2, 3];', 'return [\n 1,2,3 ];')}\nconst other = 1;\n`,
    'helper.ts': `// new\n${PIPELINE['helper.ts'].replace('=> 1;', '=> 2;')}`,
  });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['load', 'multiply', 'total'] });
});

test('a changed parameter re-runs what takes it, with both values in the reason', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  const run = await watchRun(['pipe.ts', '--param', 'factor=3'], options);
  expect(run.by).toEqual({ cached: ['load'], completed: ['multiply', 'total'] });
  expect(run.ends['multiply']?.why.join()).toContain('2 -> 3');
});

interface PlanDocument {
  readonly steps: readonly {
    readonly name: string;
    readonly action: string;
    readonly reasons: readonly string[];
    readonly from?: string;
  }[];
}

const PARTS = {
  ...npmPackage(
    'outer',
    '1.0.0',
    { 'index.js': `exports.outer = require('inner').inner;` },
    {
      dependencies: { inner: '^1.0.0' },
    },
  ),
  ...npmPackage('inner', '1.0.0', { 'index.js': `exports.inner = 1;` }),
  'package.json': '{ "name": "scratch", "type": "module", "dependencies": { "outer": "^1.0.0" } }\n',
  'model.txt': 'weights',
  'settings.ts': `export const RATE = 0.5;\nexport const OTHER = 1;\nexport function scaled(n: number): number { return n * RATE; }\n`,
  'pipe.ts': `
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Parameter, Pipeline, Step, currentTask } from 'run-pipeline';
import { outer } from 'outer';
import { scaled, OTHER } from './settings';
const LIMIT = 10;
@Pipeline({ name: 'parts', cache: true })
export class Parts {
  @Parameter() rate = 1;
  @Parameter() unused = 1;
  @Step() own(): number { return 1; }
  @Step() constant(): number { return LIMIT; }
  @Step() helper(): number { return scaled(2); }
  @Step() dependency(): number { return outer; }
  @Step({ env: ['DECLARED'] }) declared(): number { return 1; }
  @Step() read(): string { return process.env.READ ?? 'none'; }
  @Step({ assets: ['./model.txt'] }) asset(): number { return 1; }
  @Step({ inputs: ['$<pipeline.rate>', 'text'] }) input(rate: number, text: string): string { return rate + text; }
  @Step() member(): number { return this.rate + this.#twice(1); }
  #twice(n: number): number { return n * 2; }
  @Step({ returns: ['a'] }) named(): number { return 1; }
  @Step({ cache: { version: 'one' } }) versioned(): number { return 1; }
  @Step() imports(): string { return join('a', basename('b')) + OTHER; }
}
`,
};

test('a change of each part of a fingerprint is a miss of the steps that have it, and named', async () => {
  const project = scratch(PARTS);
  const options = { cwd: project.directory };
  const first = await watchRun(['pipe.ts'], options);
  expect(first.by.completed).toHaveLength(12);

  const pipe = (from: string, to: string) => ({ 'pipe.ts': PARTS['pipe.ts'].replace(from, to) });
  const cases: readonly (readonly [
    what: string,
    change: {
      readonly files?: Readonly<Record<string, string>>;
      readonly env?: Readonly<Record<string, string>>;
      readonly flags?: readonly string[];
    },
    misses: Readonly<Record<string, RegExp>>,
  ])[] = [
    [
      'the code of a step',
      { files: pipe('own(): number { return 1; }', 'own(): number { return 2; }') },
      { own: /own.*pipe\.ts:\d+.*changed/ },
    ],
    [
      'a constant',
      { files: pipe('LIMIT = 10', 'LIMIT = 11') },
      { constant: /`LIMIT` \(pipe\.ts:7\) changed/ },
    ],
    [
      'a constant of another file',
      { files: { 'settings.ts': PARTS['settings.ts'].replace('0.5', '0.6') } },
      { helper: /`RATE` \(settings\.ts:1\) changed/ },
    ],
    [
      'a dependency of a dependency',
      { files: npmPackage('inner', '1.0.1', { 'index.js': `exports.inner = 2;` }) },
      { dependency: /inner 1\.0\.0 -> 1\.0\.1 \(through outer\)/ },
    ],
    ['declared env', { env: { DECLARED: 'x' } }, { declared: /DECLARED/ }],
    ['env that is read', { env: { READ: 'secret-value' } }, { read: /READ/ }],
    ['an asset', { files: { 'model.txt': 'other' } }, { asset: /model\.txt/ }],
    ['a parameter', { flags: ['--param', 'rate=2'] }, { input: /1 -> 2/, member: /1 -> 2/ }],
    ['a literal input', { files: pipe("'text']", "'other']") }, { input: /"text" -> "other"/ }],
    ['a private method', { files: pipe('return n * 2', 'return n * 3') }, { member: /twice.*changed/ }],
    ['the names of returns', { files: pipe("['a']", "['b']") }, { named: /returns/ }],
    ['the version', { files: pipe("'one'", "'two'") }, { versioned: /version.*one.*two/ }],
  ];
  for (const [what, { files, env, flags = [] }, misses] of cases) {
    project.write(files ?? {});
    const { steps } = await query<PlanDocument>(['plan', 'pipe.ts', ...flags], {
      ...options,
      env: env ?? {},
    });
    const run = steps.filter(({ action }) => action === 'run');
    expect({ what, run: run.map(({ name }) => name) }).toEqual({ what, run: Object.keys(misses) });
    for (const { name, reasons } of run) expect(reasons.join('\n')).toMatch(misses[name]!);
    expect(steps.filter(({ action }) => action === 'cached')).toHaveLength(12 - run.length);
    project.write(PARTS);
  }

  // Neither of these is a part of anything.
  project.write({
    'settings.ts': `// moved\n\n${PARTS['settings.ts'].replace('OTHER = 1', 'OTHER = /* one */ 1')}export const MORE = 2;\n`,
    'pipe.ts': PARTS['pipe.ts']
      .replace('scaled, OTHER', 'OTHER, scaled')
      .replace('basename, join', 'join, basename')
      .replace("import { outer } from 'outer';\n", '')
      .replace(
        "import { readFileSync } from 'node:fs';",
        "import { outer } from 'outer';\nimport { rmSync } from 'node:fs';",
      )
      .replace('unused = 1', 'unused = 2')
      .replace(
        '@Step() constant(): number { return LIMIT; }',
        '@Step()\n  constant(): number\n  {\n    return (LIMIT);\n  }',
      )
      .replace("Step({ returns: ['a'] })", "Step({ returns: ['a'], retry: 2, timeout: '1m', tags: ['x'] })"),
  });
  expect(
    (await watchRun(['pipe.ts', '--param', 'unused=5'], { ...options, env: { OTHER: 'x' } })).by.cached,
  ).toHaveLength(12);
}, 180_000);

const RANDOM = {
  ...TRACE,
  'pipe.ts': `
import { randomUUID } from 'node:crypto';
import { Pipeline, Step, PipelineController, pipeline, step } from 'run-pipeline';
import { appears, trace } from './trace';
const draw = (): string => randomUUID();
const same = (_: string): number => { trace('same'); return 1; };
@Pipeline({ name: 'random', cache: true })
export class Random {
  @Step() draw(): string { return draw(); }
  @Step({ inputs: ['$<draw.result>'] }) same(text: string): number { return same(text); }
  @Step({ inputs: ['$<same.result>'] }) child(n: number): number { trace('child'); return n; }
  @Step({ cache: false }) always(): string { return draw(); }
}
const slow = async (): Promise<string> => { trace('slow'); await appears('go'); return draw(); };
export const flight = new PipelineController({ name: 'flight' });
flight.addFunctionStep({ name: 'slow', function: slow, cacheExecutedStep: true });
flight.addFunctionStep({ name: 'child', function: (value: string) => value, functionKwargs: { value: '$<slow.result>' }, cacheExecutedStep: true });
const shared = step({ cache: true }, slow);
export const other = pipeline({ name: 'other' }, () => { shared(); });
export const options = new PipelineController({ name: 'options' });
options.addFunctionStep({ name: 'ttl', function: draw, cacheExecutedStep: { ttl: 1 } });
options.addFunctionStep({ name: 'day', function: draw, cacheExecutedStep: { ttl: '1d' } });
options.addParameter({ name: 'n', default: 1 });
options.addFunctionStep({ name: 'keyed', function: (n: number) => draw() + n, functionKwargs: { n: '$<pipeline.n>' }, cacheExecutedStep: { key: (inputs) => (inputs as { n: number }).n % 10 } });
`,
};
const results = async (cwd: string, ...names: string[]): Promise<unknown[]> =>
  Promise.all(names.map((name) => query(['get', 'latest', name], { cwd })));

test('a parent executed again with an identical result leaves its children cached', async () => {
  const project = scratch(RANDOM);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts#Random'], options);
  const refreshed = await watchRun(['pipe.ts#Random', '--refresh=draw'], options);
  expect(refreshed.by).toEqual({ cached: ['child'], completed: ['always', 'draw', 'same'] });
  expect(refreshed.ends['draw']!.why.join()).toContain('--refresh');
  expect(refreshed.ends['same']!.why.join()).toContain('draw.result');
});

test('--refresh replaces entries, --no-cache neither reads nor writes', async () => {
  const project = scratch(RANDOM);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts#Random'], options);
  const [first] = await results(project.directory, 'draw');
  const all = await watchRun(['pipe.ts#Random', '--refresh'], options);
  expect(all.by).toEqual({ completed: ['always', 'child', 'draw', 'same'] });
  const [second] = await results(project.directory, 'draw');
  expect(second).not.toBe(first);
  const without = await watchRun(['pipe.ts#Random', '--no-cache'], options);
  expect(without.by).toEqual({ completed: ['always', 'child', 'draw', 'same'] });
  const [third] = await results(project.directory, 'draw');
  expect(third).not.toBe(second);
  const hit = await watchRun(['pipe.ts#Random'], options);
  expect(hit.by).toEqual({ cached: ['child', 'draw', 'same'], completed: ['always'] });
  expect(hit.ends['draw']).toMatchObject({ attempt: 0, cachedFrom: all.events[0]!.run });
  expect(hit.ends['always']!.why.join()).toMatch(/not cached/);
  expect(await results(project.directory, 'draw')).toEqual([second]);
});

test('a ttl expires, a key stands for the inputs', async () => {
  const project = scratch(RANDOM);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts#options', '--param', 'n=7'], options);
  const run = await watchRun(['pipe.ts#options', '--param', 'n=17'], options);
  expect(run.by).toEqual({ cached: ['day', 'keyed'], completed: ['ttl'] });
  expect(run.ends['ttl']!.why.join()).toMatch(/expired/);
  const other = await query<PlanDocument>(['plan', 'pipe.ts#options', '--param', 'n=18'], options);
  expect(other.steps.find(({ name }) => name === 'keyed')).toMatchObject({ action: 'run' });
});

test('two processes at once execute a cached step once, and another pipeline finds it', async () => {
  const project = scratch(RANDOM);
  const options = { cwd: project.directory };
  const both = [0, 1].map(() => watchRun(['pipe.ts#flight'], options));
  await expect
    .poll(() => query<unknown[]>(['runs', '--status', 'running'], options), {
      timeout: 20_000,
      interval: 200,
    })
    .toHaveLength(2);
  project.write({ go: '' });
  const [one, two] = await Promise.all(both);
  expect([one!.code, two!.code]).toEqual([0, 0]);
  expect(readFileSync(project.path('trace.txt'), 'utf8')).toBe('slow\n');
  const statuses = [one!.ends['slow']!.status, two!.ends['slow']!.status].sort();
  expect(statuses).toEqual(['cached', 'completed']);
  expect(one!.ends['child']!.artifacts[0]!.hash).toBe(two!.ends['child']!.artifacts[0]!.hash);
  expect((await watchRun(['pipe.ts#other'], options)).by).toEqual({ cached: ['slow'] });
});

test('why says afterwards what the plan said before', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  project.write({ 'helper.ts': PIPELINE['helper.ts'].replace('value * factor', 'value + factor') });
  await watchRun(['pipe.ts'], options);
  const why = async (step: string) =>
    query<{ status: string; why: string[]; cachedFrom?: string; ancestors: { step: string }[] }>(
      ['why', 'latest', step],
      options,
    );
  expect((await why('multiply')).why.join()).toContain('`scale` (helper.ts:1) changed');
  expect(await why('load')).toMatchObject({ status: 'cached', cachedFrom: expect.any(String) as string });
  const total = await why('total');
  expect(total.why.join()).toContain('multiply.scaled');
  expect(total.ancestors.map(({ step }) => step)).toEqual(['multiply']);
});

test('the values of env and of secrets are nowhere in the store, and secrets are masked', async () => {
  const project = scratch({
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'secrets', cache: true })
export class Secrets {
  @Step({ env: ['PLACE'], secrets: ['TOKEN'] }) use(): number {
    console.log('token is ' + process.env.TOKEN);
    return (process.env.TOKEN ?? '').length;
  }
}
`,
  });
  const env = { PLACE: 'environment-value-7', TOKEN: 'secret-value-7' };
  const run = await watchRun(['pipe.ts'], { cwd: project.directory, env });
  expect(await query(['get', 'latest', 'use'], { cwd: project.directory })).toBe(14);
  expect(run.stdout).toContain('token is ***');
  for (const name of readdirSync(project.path('.run-pipeline'), { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const bytes = readFileSync(join(name.parentPath, name.name));
    for (const value of Object.values(env))
      expect([name.name, bytes.includes(value)]).toEqual([name.name, false]);
  }
  // A secret is no part of the fingerprint, env is.
  const other = { cwd: project.directory, env: { ...env, TOKEN: 'another' } };
  expect((await watchRun(['pipe.ts'], other)).by).toEqual({ cached: ['use'] });
});
