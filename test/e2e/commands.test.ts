import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { npmPackage, scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { BINARY, query, runPipeline, startNode, watchRun } from '../rig/command.js';

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string;
const NUMBER = expect.any(Number) as number;
const TEXT = expect.any(String) as string;

const SHAPES = {
  ...npmPackage('left', '1.2.3', { 'index.js': `exports.left = 1;` }),
  'pipe.ts': `
import { existsSync, writeFileSync } from 'node:fs';
import { Parameter, Pipeline, Step, each } from 'run-pipeline';
import { left } from 'left';
@Pipeline({ name: 'shapes', project: 'examples', version: '1.0.0', cache: true })
export class Shapes {
  @Parameter() rate = 0.5;
  @Parameter() list = [1, 2];
  @Step({ returns: ['data_frame'] }) step_one(): { id: number }[] { console.log('hello'); return [{ id: left }]; }
  @Step({ inputs: [each('$<pipeline.list>'), '$<step_one.data_frame>'] } as never) score(n: number, _rows: unknown): number { return n; }
  @Step({ inputs: ['$<pipeline.rate>'], retry: { retries: 1, backoff: 1 } }) flaky(rate: number): number {
    if (!existsSync('once')) { writeFileSync('once', ''); throw new Error('once'); }
    return rate;
  }
  @Step({ inputs: ['$<flaky.result>'] }) bad(rate: number): never { throw new TypeError('rate ' + rate); }
  @Step({ inputs: ['$<bad.result>'] as never }) never(_: number): void {}
}
`,
};

test('the events of a run have the shapes that are promised', async () => {
  const project = scratch(SHAPES);
  const options = { cwd: project.directory };
  const { events, code } = await watchRun(['pipe.ts', '--concurrency', '1'], options);
  expect(code).toBe(1);
  const run = events[0]!.run;
  for (const [seq, event] of events.entries()) expect(event).toMatchObject({ v: 1, seq, ts: ISO, run });
  expect(events[0]).toMatchObject({
    type: 'run.start',
    pipeline: 'shapes',
    project: 'examples',
    version: '1.0.0',
    number: 1,
    parameters: { rate: 0.5, list: [1, 2] },
    steps: [
      { name: 'step_one', parents: [] },
      { name: 'score', parents: ['step_one'] },
      { name: 'flaky', parents: [] },
      { name: 'bad', parents: ['flaky'] },
      { name: 'never', parents: ['bad'] },
    ],
  });
  const find = (type: string, step?: string) =>
    events.find(
      (event) => event.type === type && (step === undefined || ('step' in event && event.step === step)),
    );
  expect(find('step.add')).toMatchObject({
    steps: [
      { name: 'score[0]', parents: ['step_one'], of: 'score' },
      { name: 'score[1]', parents: ['step_one'], of: 'score' },
    ],
  });
  expect(find('step.start', 'step_one')).toMatchObject({ step: 'step_one', attempt: 1 });
  expect(find('step.log', 'step_one')).toMatchObject({ attempt: 1, stream: 'stdout', text: 'hello\n' });
  expect(find('step.retry', 'flaky')).toMatchObject({
    attempt: 1,
    error: { name: 'Error', message: 'once', at: expect.stringMatching(/^pipe\.ts:\d+:\d+$/) as string },
    delayMs: NUMBER,
  });
  expect(find('step.end', 'step_one')).toMatchObject({
    status: 'completed',
    attempt: 1,
    durationMs: NUMBER,
    fingerprint: TEXT,
    artifacts: [
      {
        name: 'data_frame',
        type: 'superjson',
        hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
        size: NUMBER,
        url: TEXT,
      },
    ],
    why: [TEXT],
  });
  expect(find('step.end', 'bad')).toMatchObject({
    status: 'failed',
    attempt: 1,
    artifacts: [],
    error: {
      name: 'TypeError',
      message: 'rate 0.5',
      at: expect.stringMatching(/^pipe\.ts:\d+:\d+$/) as string,
    },
  });
  expect(find('step.end', 'never')).toMatchObject({
    status: 'skipped',
    attempt: 0,
    artifacts: [],
    why: ['bad failed'],
  });
  expect(events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    durationMs: NUMBER,
    error: { name: 'TypeError', message: 'rate 0.5' },
  });
  const ended = events.flatMap((event) => (event.type === 'step.end' ? event.step : []));
  expect([...ended].sort()).toEqual(['bad', 'flaky', 'never', 'score', 'score[0]', 'score[1]', 'step_one']);

  const second = await watchRun(['pipe.ts'], options);
  expect(second.ends['step_one']).toMatchObject({ status: 'cached', attempt: 0, cachedFrom: run, why: [] });
  const started = second.events.flatMap((event) => (event.type === 'step.start' ? event.step : []));
  expect(started).toEqual(['bad']);

  // The same, from the store.
  const shown = await query<Record<string, unknown> & { steps: Record<string, unknown>[] }>(
    ['show', 'shapes#1'],
    options,
  );
  expect(shown).toEqual({
    id: run,
    pipeline: 'shapes',
    project: 'examples',
    version: '1.0.0',
    number: 1,
    status: 'failed',
    parameters: { rate: 0.5, list: [1, 2] },
    startedAt: ISO,
    finishedAt: ISO,
    steps: expect.any(Array) as Record<string, unknown>[],
  });
  const step = (name: string) => shown.steps.find((item) => item['name'] === name);
  expect(step('step_one')).toMatchObject({
    name: 'step_one',
    status: 'completed',
    parents: [],
    attempts: 1,
    fingerprint: TEXT,
    startedAt: ISO,
    finishedAt: ISO,
    dependencies: { left: '1.2.3' },
    artifacts: [{ name: 'data_frame' }],
  });
  expect(step('flaky')).toMatchObject({ attempts: 2, status: 'completed' });
  expect(step('bad')).toMatchObject({ status: 'failed', error: { name: 'TypeError' } });
  expect(step('never')).toMatchObject({ status: 'skipped', attempts: 0 });
  const cached = (await query<typeof shown>(['show', 'latest'], options)).steps.find(
    (item) => item['name'] === 'step_one',
  );
  expect(cached).toMatchObject({ status: 'cached', attempts: 0, cachedFrom: run });

  expect(await query(['runs'], options)).toEqual(
    [2, 1].map((number) => ({
      id: TEXT,
      pipeline: 'shapes',
      project: 'examples',
      version: '1.0.0',
      number,
      status: 'failed',
      startedAt: ISO,
      finishedAt: ISO,
    })),
  );
  expect(await query(['plan', 'pipe.ts'], options)).toMatchObject({
    steps: expect.arrayContaining([
      { name: 'step_one', action: 'cached', reasons: [], from: run },
      { name: 'bad', action: 'run', reasons: [TEXT] },
    ]) as unknown,
  });
  const check = await query<{ ok: boolean; diagnostics: unknown[] }>(['check', 'pipe.ts'], options);
  expect(check).toMatchObject({ ok: true, diagnostics: [] });
});

test('a graph as JSON, mermaid, dot and svg', async () => {
  const options = { cwd: scratch(SHAPES).directory };
  expect(await query(['graph', 'pipe.ts', '--format', 'json'], options)).toEqual({
    nodes: expect.arrayContaining([
      { name: 'step_one', parents: [] },
      { name: 'score', parents: ['step_one'] },
    ]) as unknown,
  });
  for (const [format, pattern] of [
    ['mermaid', /^(flowchart|graph) [\s\S]*step_one[\s\S]*score[\s\S]*n0 --> n1/],
    ['dot', /^digraph [\s\S]*"step_one" -> "score"/],
    ['svg', /^<svg [\s\S]*step_one[\s\S]*<\/svg>\s*$/],
  ] as const) {
    const { code, stdout } = await runPipeline(['graph', 'pipe.ts', '--format', format], options);
    expect([format, code]).toEqual([format, 0]);
    expect(stdout).toMatch(pattern);
  }
  expect((await runPipeline(['graph', 'pipe.ts', '--format', 'png'], options)).code).toBe(2);
});

const CHAIN = {
  ...TRACE,
  'pipe.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
const mark = (name: string, n: number): number => { trace(name); return n + 1; };
@Pipeline({ name: 'chain' })
export class Chain {
  @Parameter() n = 0;
  @Step({ inputs: ['$<pipeline.n>'] }) a(n: number): number { return mark('a', n); }
  @Step({ inputs: ['$<a.result>'] }) b(n: number): number { return mark('b', n); }
  @Step({ inputs: ['$<b.result>'] }) c(n: number): number { return mark('c', n); }
  @Step({ inputs: ['$<a.result>'] }) d(n: number): number { return mark('d', n); }
}
`,
};

test('--from, --to and --only run a part, with what it needs from the latest run that has it', async () => {
  const project = scratch({ ...CHAIN, 'trace.txt': '' });
  const options = { cwd: project.directory };
  const nothing = await watchRun(['pipe.ts', '--from', 'b'], options);
  expect([nothing.code, nothing.events]).toEqual([2, []]);
  expect(nothing.stderr).toMatch(/no earlier run of chain has a result of a/);
  const unknown = await watchRun(['pipe.ts', '--only', 'bb'], options);
  expect([unknown.code, unknown.events]).toEqual([2, []]);
  expect(unknown.stderr).toMatch(/bb[\s\S]*`?b`?/);
  expect(await query(['runs'], options)).toEqual([]);

  const whole = await watchRun(['pipe.ts', '--param', 'n=10'], options);
  expect(whole.by.completed).toEqual(['a', 'b', 'c', 'd']);
  const ran = async (...flags: string[]) => {
    writeFileSync(project.path('trace.txt'), '');
    const run = await watchRun(['pipe.ts', ...flags], options);
    expect(run.code).toBe(0);
    return {
      by: run.by,
      ends: run.ends,
      traced: readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n'),
    };
  };
  const from = await ran('--from', 'b');
  expect(from.by).toEqual({ cached: ['a'], completed: ['b', 'c'], skipped: ['d'] });
  expect(from.ends['a']!.cachedFrom).toBe(whole.events[0]!.run);
  expect(from.traced).toEqual(['b', 'c']);
  expect(await query(['get', 'latest', 'c'], options)).toBe(13);
  const to = await ran('--to', 'b', '--param', 'n=20');
  expect(to.by).toEqual({ completed: ['a', 'b'], skipped: ['c', 'd'] });
  const only = await ran('--only', 'c');
  expect(only.by).toEqual({ cached: ['b'], completed: ['c'], skipped: ['a', 'd'] });
  expect(await query(['get', 'latest', 'c'], options)).toBe(23);
  const between = await ran('--from', 'b', '--to', 'b');
  expect(between.by).toEqual({ cached: ['a'], completed: ['b'], skipped: ['c', 'd'] });
});

test('a part of a run takes mapped steps from earlier runs, and from parts of runs', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step, each } from 'run-pipeline';
@Pipeline({ name: 'mapped' })
export class Mapped {
  @Step({ inputs: [each([1, 2, 3])] } as never) score(n: number): number { return n * 2; }
  @Step({ inputs: ['$<score.result>', '$<score[1].result>'] } as never) sum(all: number[], second: number): number[] { return [...all, second]; }
}
`,
    }).directory,
  };
  await watchRun(['pipe.ts'], options);
  for (const flag of ['--from', '--only']) {
    const part = await watchRun(['pipe.ts', flag, 'sum'], options);
    expect([flag, part.by]).toEqual([
      flag,
      { cached: ['score', 'score[0]', 'score[1]', 'score[2]'], completed: ['sum'] },
    ]);
    expect(await query(['get', 'latest', 'sum'], options)).toEqual([2, 4, 6, 4]);
    expect(await query(['get', 'latest', 'score'], options)).toEqual([2, 4, 6]);
  }
});

test('get finds an artifact by step, by name, of an element, and gives JSON or superjson', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step, each } from 'run-pipeline';
@Pipeline({ name: 'got' })
export class Got {
  @Step({ returns: ['a', 'b'] } as never) two(): object { return { a: { x: [1] }, b: new Date(0) }; }
  @Step({ inputs: [each([1, 2])] } as never) each(n: number): number { return n * 2; }
  @Step() text(): string { return 'line\\n'; }
}
`,
    }).directory,
  };
  await watchRun(['pipe.ts'], options);
  expect(await query(['get', 'latest', 'two.a'], options)).toEqual({ x: [1] });
  expect(await query(['get', 'latest', 'two.b'], options)).toEqual({
    json: '1970-01-01T00:00:00.000Z',
    meta: expect.objectContaining({ values: ['Date'] }) as object,
  });
  expect(await query(['get', 'latest', 'each'], options)).toEqual([2, 4]);
  expect(await query(['get', 'latest', 'each[1].result'], options)).toBe(4);
  for (const [name, message] of [
    ['two', /several artifacts: two\.a, two\.b/],
    ['two.c', /no artifact "c"/],
    ['tow.a', /no step "tow".*two/],
  ] as const) {
    const { code, stderr } = await runPipeline(['get', 'latest', name], options);
    expect([name, code]).toEqual([name, 2]);
    expect(stderr).toMatch(message);
  }
});

test('stop ends a step that does not listen, and its process', async () => {
  const project = scratch({
    ...TRACE,
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'deaf' })
export class Deaf {
  @Step() deaf(): number { trace('begun'); for (;;); }
  @Step({ inputs: ['$<deaf.result>'] }) after(n: number): number { return n; }
}
`,
  });
  const options = { cwd: project.directory, env: { RUN_PIPELINE_GRACE_MS: '1500' } };
  const running = watchRun(['pipe.ts'], options);
  await expect.poll(() => readTrace(project.path('trace.txt')), { timeout: 20_000 }).toBe('begun\n');
  const stop = await runPipeline(['stop', 'latest', '--reason', 'enough', '--json'], options);
  expect(JSON.parse(stop.stdout)).toMatchObject({ stopped: true, status: 'aborted' });
  // It takes as long as its steps take: nobody should wonder meanwhile.
  expect(stop.stderr).toBe('deaf#1 was asked to stop; waiting for its steps to end\n');
  const run = await running;
  expect([run.code, run.by]).toEqual([1, { aborted: ['deaf'], skipped: ['after'] }]);
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'aborted',
    error: { message: 'enough' },
  });
  const start = run.events.find((event) => event.type === 'step.start') as { pid?: number };
  expect(() => process.kill(start.pid!, 0)).toThrow();
});

function readTrace(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

test('Ctrl-C twice ends the run at once, and it can be resumed', async () => {
  const project = scratch({
    ...TRACE,
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { existsSync } from 'node:fs';
import { trace } from './trace';
@Pipeline({ name: 'twice' })
export class Twice {
  @Step() first(): number { trace('first'); return 1; }
  @Step({ inputs: ['$<first.result>'] }) deaf(n: number): number { trace('deaf'); while (!existsSync('go')); return n + 1; }
}
`,
  });
  const options = { cwd: project.directory };
  const child = startNode([BINARY, 'pipe.ts'], options);
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  await expect.poll(() => readTrace(project.path('trace.txt')), { timeout: 20_000 }).toBe('first\ndeaf\n');
  child.kill('SIGINT');
  await new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  project.write({ go: '' });
  const resumed = await watchRun(['resume', 'latest'], options);
  expect([resumed.code, resumed.by.completed]).toEqual([0, ['deaf']]);
  expect(readTrace(project.path('trace.txt'))).toBe('first\ndeaf\ndeaf\n');
  expect(await query(['get', 'latest', 'deaf'], options)).toBe(2);
});
