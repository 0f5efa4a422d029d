import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { query, runPipeline, watchRun } from '../rig/warm.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';

/** Lines that steps and callbacks left, in order. */
function traced(project: Scratch): readonly string[] {
  return readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n');
}

const MATRIX = {
  ...TRACE,
  'class.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'matrix' })
export class Matrix {
  @Step() start(): number { return 1; }
  @Step({ inputs: ['$<start.result>'] }) bad(_: number): number { throw new TypeError('no rows'); }
  @Step({ inputs: ['$<bad.result>'] }) child(n: number): number { return n; }
  @Step({ inputs: ['$<child.result>', '$<sibling.result>'] }) grandchild(n: number, _m: number): number { return n; }
  @Step({ inputs: ['$<start.result>'] }) sibling(n: number): number { return n; }
}
`,
  'controllers.ts': `
import { PipelineController } from 'run-pipeline';
const matrix = (name: string, continueBehaviour: object) => {
  const pipe = new PipelineController({ name });
  pipe.addFunctionStep({ name: 'start', function: () => 1 });
  pipe.addFunctionStep({ name: 'bad', function: (n: number): number => { throw new TypeError('no rows'); }, functionKwargs: { n: '$<start.result>' }, continueBehaviour });
  pipe.addFunctionStep({ name: 'child', function: (n?: number) => [typeof n], functionKwargs: { n: '$<bad.result>' } });
  pipe.addFunctionStep({ name: 'grandchild', function: (n: string[], m: number) => n.concat(String(m)), functionKwargs: { n: '$<child.result>', m: '$<sibling.result>' } });
  pipe.addFunctionStep({ name: 'sibling', function: (n: number) => n, functionKwargs: { n: '$<start.result>' } });
  return pipe;
};
export const plain = matrix('plain', {});
export const continues = matrix('continues', { continueOnFail: true });
export const children = matrix('children', { skipChildrenOnFail: false });
export const both = matrix('both', { continueOnFail: true, skipChildrenOnFail: false });
`,
  'function.ts': `
import { pipeline, step } from 'run-pipeline';
import { trace } from './trace';
const start = step(() => 1);
const bad = step((n: number): number => { throw new TypeError('no rows'); });
const tolerated = step({ name: 'bad', continueOnFail: true }, (n: number): number => { throw new TypeError('no rows'); });
const child = step((n: number) => n);
const grandchild = step((n: number, m: number) => n + m);
const sibling = step((n: number) => n);
export const uncaught = pipeline({ name: 'uncaught' }, async () => {
  const first = start();
  const broken = bad(first);
  const kept = sibling(first);
  grandchild(child(broken), kept);
  await broken;
});
export const caught = pipeline({ name: 'caught' }, async () => {
  const first = start();
  const broken = tolerated(first);
  grandchild(child(broken), sibling(first));
  try { await broken; } catch (error) { trace((error as Error).name + ': ' + (error as Error).message); }
  const late = child.with({ name: 'late' })(broken);
  try { await late; } catch (error) { trace((error as Error).message); }
});
`,
};
const STOPPED_AT_BAD = {
  completed: ['sibling', 'start'],
  failed: ['bad'],
  skipped: ['child', 'grandchild'],
};

test.each([['class.ts'], ['controllers.ts#plain'], ['function.ts#uncaught']])(
  'a failed step: its descendants are skipped with the reason, siblings complete, the run fails (%s)',
  async (target) => {
    const project = scratch(MATRIX);
    const run = await watchRun([target], { cwd: project.directory });
    expect(run.code).toBe(1);
    expect(run.by).toEqual(STOPPED_AT_BAD);
    const [file] = target.split('#');
    expect(run.ends['bad']).toMatchObject({
      attempt: 1,
      artifacts: [],
      error: { name: 'TypeError', message: 'no rows', at: expect.stringContaining(`${file}:`) as string },
    });
    expect(run.ends['child']!.why).toEqual(['bad failed']);
    expect(run.ends['grandchild']!.why).toEqual(['bad failed']);
    expect(run.events.at(-1)).toMatchObject({
      type: 'run.end',
      status: 'failed',
      error: { message: 'no rows' },
    });
    const starts = run.events.flatMap((event) => (event.type === 'step.start' ? event.step : []));
    expect([...starts].sort()).toEqual(['bad', 'sibling', 'start']);
    const ends = run.events.flatMap((event) => (event.type === 'step.end' ? event.step : []));
    expect(ends).toHaveLength(5);
  },
);

test('continueOnFail lets the run complete, skipChildrenOnFail: false runs children with undefined', async () => {
  const project = scratch(MATRIX);
  const options = { cwd: project.directory };
  const continues = await watchRun(['controllers.ts#continues'], options);
  expect([continues.code, continues.by]).toEqual([0, STOPPED_AT_BAD]);
  expect(continues.events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });

  const all = { completed: ['child', 'grandchild', 'sibling', 'start'], failed: ['bad'] };
  const children = await watchRun(['controllers.ts#children'], options);
  expect([children.code, children.by]).toEqual([1, all]);
  expect(children.events.at(-1)).toMatchObject({ type: 'run.end', status: 'failed' });
  const both = await watchRun(['controllers.ts#both'], options);
  expect([both.code, both.by]).toEqual([0, all]);
  expect(await query(['get', 'latest', 'grandchild'], options)).toEqual(['undefined', '1']);
});

test('awaiting a failed step throws StepFailed with its reason; caught, the body goes on', async () => {
  const project = scratch(MATRIX);
  const run = await watchRun(['function.ts#caught'], { cwd: project.directory });
  expect(run.code).toBe(0);
  expect(run.by).toEqual({ ...STOPPED_AT_BAD, skipped: ['child', 'grandchild', 'late'] });
  expect(traced(project)).toEqual([
    'StepFailed: step bad failed: TypeError: no rows',
    'step late skipped: TypeError: no rows',
  ]);
});

const ABORTING = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, PipelineController, Step, currentTask, pipeline, step } from 'run-pipeline';
import { appears, trace } from './trace';
import { writeFileSync } from 'node:fs';
async function patient(): Promise<number> {
  writeFileSync('slow.here', '');
  try {
    await appears('never', currentTask()!.signal);
  } finally {
    trace('told');
  }
  return 1;
}
async function failing(): Promise<void> {
  await appears('slow.here');
  throw new Error('enough');
}
@Pipeline({ name: 'aborting', abortOnFailure: true })
export class Aborting {
  @Step() slow(): Promise<number> { return patient(); }
  @Step() bad(): Promise<void> { return failing(); }
  @Step() waiting(): void { trace('waiting ran'); }
  @Step({ inputs: ['$<slow.result>'] }) child(_: number): void { trace('child ran'); }
}
export const controller = new PipelineController({ name: 'controller', abortOnFailure: true })
  .addFunctionStep({ name: 'slow', function: patient })
  .addFunctionStep({ name: 'bad', function: failing })
  .addFunctionStep({ name: 'waiting', function: () => trace('waiting ran') })
  .addFunctionStep({ name: 'child', function: (n: number) => trace('child ran'), functionKwargs: { n: '$<slow.result>' } });
const slow = step({ name: 'slow' }, patient), bad = step({ name: 'bad' }, failing);
const waiting = step(() => trace('waiting ran')), child = step((n: number) => trace('child ran'));
export const calls = pipeline({ name: 'calls', abortOnFailure: true }, async () => {
  const one = slow();
  bad();
  waiting();
  await child(one);
});
`,
};

test.each(['Aborting', 'controller', 'calls'])(
  'abortOnFailure aborts what runs, skips what waits and fails the run (%s)',
  async (name) => {
    const project = scratch(ABORTING);
    const run = await watchRun([`pipe.ts#${name}`, '--concurrency', '2'], { cwd: project.directory });
    expect(run.code).toBe(1);
    expect(run.by).toEqual({ failed: ['bad'], aborted: ['slow'], skipped: ['child', 'waiting'] });
    expect(run.events.at(-1)).toMatchObject({
      type: 'run.end',
      status: 'failed',
      error: { message: 'enough' },
    });
    expect(traced(project)).toEqual(['told']);
  },
);

const RETRYING = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, PipelineController, Step, currentTask, pipeline, step } from 'run-pipeline';
import { readFileSync } from 'node:fs';
import { trace } from './trace';
const often = (word: string, until: number): number => {
  trace(word);
  const count = readFileSync('trace.txt', 'utf8').split('\\n').filter((line) => line === word).length;
  console.log('attempt of ' + word + ' ' + currentTask()!.attempt);
  if (count < until) throw Object.assign(new RangeError('not yet ' + count), { code: 'NOT_YET' });
  return count;
};
@Pipeline({ name: 'class', retry: { retries: 2, backoff: 1 }, cache: true })
export class Class {
  @Step() never(): number { return often('never', 1e9); }
  @Step({ inputs: ['$<never.result>'] }) child(_: number): void { trace('child'); }
  @Step() third(): number { return often('third', 3); }
  @Step({ retry: 0 }) once(): number { return often('once', 2); }
  @Step({ retry: { retries: 5, backoff: 1, when: (error, attempt) => error.name === 'RangeError' && (error as NodeJS.ErrnoException).code === 'NOT_YET' && attempt < 2 } })
  picky(): number { return often('picky', 1e9); }
}
export const controller = new PipelineController({ name: 'controller' })
  .addFunctionStep({ name: 'never', function: () => often('never', 1e9), retryOnFailure: { retries: 2, backoff: 1 } })
  .addFunctionStep({ name: 'third', function: () => often('third', 3), retryOnFailure: { retries: 2, backoff: 1 } });
const never = step({ retry: { retries: 2, backoff: 1 } }, () => often('never', 1e9));
const third = step({ retry: { retries: 2, backoff: 1 } }, () => often('third', 3));
export const calls = pipeline({ name: 'calls' }, async () => { never(); third(); });
`,
};

test('a step with two retries is executed exactly three times; a predicate stops early', async () => {
  const project = scratch(RETRYING);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#Class'], options);
  expect(run.code).toBe(1);
  expect(run.by).toEqual({ completed: ['third'], failed: ['never', 'once', 'picky'], skipped: ['child'] });
  const count = (word: string): number => traced(project).filter((line) => line === word).length;
  expect({
    never: count('never'),
    third: count('third'),
    once: count('once'),
    picky: count('picky'),
  }).toEqual({
    never: 3,
    third: 3,
    once: 1,
    picky: 2,
  });
  const attempts = (type: string, step: string): unknown[] =>
    run.events.flatMap((event) =>
      event.type === type && 'step' in event && event.step === step && 'attempt' in event
        ? event.attempt
        : [],
    );
  expect(attempts('step.start', 'third')).toEqual([1, 2, 3]);
  expect(attempts('step.retry', 'third')).toEqual([1, 2]);
  expect(attempts('step.end', 'third')).toEqual([3]);
  expect(run.events.find((event) => event.type === 'step.retry' && event.step === 'third')).toMatchObject({
    error: { name: 'RangeError', message: 'not yet 1' },
    delayMs: expect.any(Number) as number,
  });
  // The console is kept per attempt.
  const said = run.events.flatMap((event) =>
    event.type === 'step.log' && event.step === 'third' ? [[event.attempt, event.text]] : [],
  );
  expect(said).toEqual([1, 2, 3].map((attempt) => [attempt, `attempt of third ${attempt}\n`]));
  const shown = await query<{ steps: { name: string; attempts: number }[] }>(['show', 'latest'], options);
  expect(shown.steps.find(({ name }) => name === 'third')).toMatchObject({
    attempts: 3,
    status: 'completed',
  });

  // What succeeded on its third attempt is in the cache, what failed is not.
  const again = await watchRun(['pipe.ts#Class'], options);
  expect(again.by).toEqual({
    cached: ['third'],
    completed: ['once'],
    failed: ['never', 'picky'],
    skipped: ['child'],
  });
});

test.each(['controller', 'calls'])('retries of a %s step', async (name) => {
  const project = scratch(RETRYING);
  const run = await watchRun([`pipe.ts#${name}`], { cwd: project.directory });
  expect(run.by).toEqual({ completed: ['third'], failed: ['never'] });
  expect([...traced(project)].sort()).toEqual(['never', 'never', 'never', 'third', 'third', 'third']);
});

const TIMED = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, PipelineController, Step, currentTask, pipeline, step } from 'run-pipeline';
import { appears, trace } from './trace';
const forever = (): number => { for (;;); };
@Pipeline({ name: 'class' })
export class Class {
  @Step({ timeout: 300 }) busy(): number { return forever(); }
  @Step({ inputs: ['$<busy.result>'] }) child(_: number): void { trace('child ran'); }
  @Step({ timeout: '300ms', retry: { retries: 1, backoff: 1 } }) async waits(): Promise<void> { await appears('never', currentTask()!.signal); }
  @Step({ timeout: '60d' }) long(): number { return 1; }
}
export const controller = new PipelineController({ name: 'controller' })
  .addFunctionStep({ name: 'busy', function: forever, timeLimit: 0.3 })
  .addFunctionStep({ name: 'child', function: (n: number) => trace('child ran'), functionKwargs: { n: '$<busy.result>' } });
const busy = step({ name: 'busy', timeout: '0.3s' }, forever), child = step((n: number) => trace('child ran'));
export const calls = pipeline({ name: 'calls' }, async () => { await child(busy()); });
@Pipeline({ name: 'whole', timeout: '1s' })
export class Whole {
  @Step() fast(): number { return 1; }
  @Step({ inputs: ['$<fast.result>'] }) busy(_: number): number { trace('begun'); return forever(); }
  @Step({ inputs: ['$<busy.result>'] }) child(_: number): void { trace('child ran'); }
}
@Pipeline({ name: 'long', timeout: '60d' })
export class Long {
  @Step() fast(): number { return 1; }
}
`,
};

test('a timeout aborts a step, a busy loop too, its children do not run and the run fails', async () => {
  const project = scratch(TIMED);
  const options = { cwd: project.directory, env: { RUN_PIPELINE_GRACE_MS: '200' } };
  const run = await watchRun(['pipe.ts#Class'], options);
  expect(run.code).toBe(1);
  expect(run.by).toEqual({ aborted: ['busy', 'waits'], skipped: ['child'], completed: ['long'] });
  expect(run.ends['busy']).toMatchObject({
    error: { code: 'timeout', message: expect.stringContaining('its timeout of 300 ms') as string },
  });
  expect(run.ends['waits']).toMatchObject({ attempt: 2, error: { code: 'timeout' } });
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: { code: 'timeout' },
  });
  expect(existsSync(project.path('trace.txt'))).toBe(false);
  for (const name of ['controller', 'calls']) {
    const other = await watchRun([`pipe.ts#${name}`], options);
    expect([other.code, other.by]).toEqual([1, { aborted: ['busy'], skipped: ['child'] }]);
  }
  expect(existsSync(project.path('trace.txt'))).toBe(false);
});

test('the timeout of a run aborts what runs, and the run is not completed', async () => {
  const project = scratch(TIMED);
  const options = { cwd: project.directory, env: { RUN_PIPELINE_GRACE_MS: '200' } };
  const run = await watchRun(['pipe.ts#Whole'], options);
  expect(run.code).toBe(1);
  expect(run.by['completed'] ?? []).not.toContain('busy');
  expect([run.ends['busy']!.status, run.ends['child']!.status]).toEqual([
    expect.stringMatching(/aborted|skipped/),
    'skipped',
  ]);
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: { code: 'run-timeout', message: expect.stringMatching(/timeout/) as string },
  });
  expect((await watchRun(['pipe.ts#Long'], options)).code).toBe(0);
});

const CALLBACKS = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, PipelineController, Step } from 'run-pipeline';
import { trace } from './trace';
const controller = (name: string, more: object, load: object = {}) => new PipelineController({ name })
  .addFunctionStep({ name: 'load', function: (n: number) => n, functionKwargs: { n: 1 }, cacheExecutedStep: true, ...load })
  .addFunctionStep({ name: 'work', function: (n: number, extra: number[]) => [n, ...extra], functionKwargs: { n: '$<load.result>', extra: [2] }, ...more })
  .addFunctionStep({ name: 'child', function: (n: unknown) => n, functionKwargs: { n: '$<work.result>' } });
export const edits = controller('edits', {
  preExecuteCallback: (pipe, node, parameters) => {
    trace([pipe.name, pipe.number, node.name, node.status, node.parents, JSON.stringify(parameters)].join(' '));
    (parameters.extra as number[]).push(3);
  },
  postExecuteCallback: (pipe, node) => trace('post ' + node.name + ' ' + node.status),
  statusChangeCallback: (pipe, node, previous) => trace(node.name + ' ' + previous + '->' + node.status),
}, {
  postExecuteCallback: (pipe, node) => trace('post ' + node.name + ' ' + node.status),
  statusChangeCallback: async (pipe, node, previous) => trace(node.name + ' ' + previous + '->' + node.status),
});
export const skips = controller('skips', { preExecuteCallback: () => false, postExecuteCallback: () => trace('post') });
export const throwsBefore = controller('throwsBefore', { preExecuteCallback: () => { throw new Error('no disk'); } });
export const throwsAfter = controller('throwsAfter', { postExecuteCallback: async () => { throw new Error('no network'); }, continueBehaviour: { continueOnFail: true } });
export const throwsOnStatus = controller('throwsOnStatus', { statusChangeCallback: () => { throw new Error('no idea'); } });
export const stops = controller('stops', { postExecuteCallback: (pipe) => pipe.stop('seen enough') });
@Pipeline({ name: 'class', cache: true })
export class Class {
  @Step({ inputs: ['x'], preExecuteCallback: (_pipe, _node, parameters) => { parameters[0] = 'edited'; } }) work(x: string): string { return x; }
}
`,
};

test('a pre-execute callback sees and edits the parameters, before the fingerprint; the others see each change once', async () => {
  const project = scratch(CALLBACKS);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#edits'], options);
  expect(run.by).toEqual({ completed: ['child', 'load', 'work'] });
  expect(await query(['get', 'latest', 'child'], options)).toEqual([1, 2, 3]);
  expect(traced(project)).toEqual([
    'load created->queued',
    'load queued->running',
    'load running->completed',
    'post load completed',
    'edits 1 work created load {"n":1,"extra":[2]}',
    'work created->queued',
    'work queued->running',
    'work running->completed',
    'post work completed',
  ]);
  const plan = await query<{ steps: { name: string; action: string }[] }>(['plan', 'pipe.ts#edits'], options);
  expect(plan.steps.map(({ name, action }) => `${name} ${action}`)).toEqual([
    'load cached',
    'work depends',
    'child depends',
  ]);
  writeFileSync(project.path('trace.txt'), '');
  await watchRun(['pipe.ts#edits'], options);
  expect(traced(project).slice(0, 3)).toEqual([
    'load created->cached',
    'post load cached',
    'edits 2 work created load {"n":1,"extra":[2]}',
  ]);
  const first = await watchRun(['pipe.ts#Class'], options);
  expect(first.by).toEqual({ completed: ['work'] });
  expect(await query(['get', 'latest', 'work'], options)).toBe('edited');
  expect((await watchRun(['pipe.ts#Class'], options)).by).toEqual({ cached: ['work'] });
});

test('a pre-execute callback that returns false skips the step and its descendants', async () => {
  const project = scratch({ ...CALLBACKS, 'trace.txt': '' });
  const run = await watchRun(['pipe.ts#skips'], { cwd: project.directory });
  expect([run.code, run.by]).toEqual([0, { completed: ['load'], skipped: ['child', 'work'] }]);
  expect(run.ends['work']!.why.join()).toMatch(/callback/);
  expect(traced(project)).toEqual(['']);
});

test('a callback that throws fails the run with that reason', async () => {
  const options = { cwd: scratch(CALLBACKS).directory };
  for (const [name, message, child] of [
    ['throwsBefore', 'preExecuteCallback of work threw: no disk', 'skipped'],
    ['throwsAfter', 'postExecuteCallback of work threw: no network', 'skipped'],
    ['throwsOnStatus', 'statusChangeCallback of work threw: no idea', 'skipped'],
  ] as const) {
    const run = await watchRun([`pipe.ts#${name}`], options);
    expect(run.code).toBe(1);
    expect(run.ends['child']).toMatchObject({ status: child });
    if (name === 'throwsBefore')
      expect(run.events.filter((event) => event.type === 'step.start' && event.step === 'work')).toEqual([]);
    expect(run.events.at(-1)).toMatchObject({ type: 'run.end', status: 'failed', error: { message } });
  }
});

test('a callback may stop the run', async () => {
  const options = { cwd: scratch(CALLBACKS).directory };
  const run = await watchRun(['pipe.ts#stops'], options);
  expect([run.code, run.by]).toEqual([1, { completed: ['load', 'work'], skipped: ['child'] }]);
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'aborted',
    error: { message: 'seen enough' },
  });
});

const RESUMED = {
  ...TRACE,
  'class.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
import { existsSync } from 'node:fs';
import { trace } from './trace';
@Pipeline({ name: 'class' })
export class Class {
  @Parameter() n = 1;
  @Step({ inputs: ['$<pipeline.n>'] }) load(n: number): number { trace('load'); return n; }
  @Step({ inputs: ['$<load.result>'] }) bad(n: number): number { trace('bad'); if (!existsSync('ready')) throw new Error('not ready'); return n + 1; }
  @Step({ inputs: ['$<bad.result>'] }) child(n: number): number { trace('child'); return n + 1; }
  @Step({ inputs: ['$<load.result>'] }) sibling(n: number): number { trace('sibling'); return n; }
}
`,
  'function.ts': `
import { pipeline, step } from 'run-pipeline';
import { existsSync } from 'node:fs';
import { trace } from './trace';
const load = step((n: number) => { trace('load'); return n; });
const bad = step((n: number): number => { trace('bad'); if (!existsSync('ready')) throw new Error('not ready'); return n + 1; });
const child = step((n: number) => { trace('child'); return n + 1; });
const sibling = step((n: number) => { trace('sibling'); return n; });
export const calls = pipeline({ name: 'calls', parameters: { n: 1 } }, async ({ n }) => {
  const loaded = load(n);
  sibling(loaded);
  const value = await bad(loaded);
  await child(value);
});
`,
};

test.each([['class.ts'], ['function.ts']])(
  'resume of a failed run executes what did not complete, and nothing that did (%s)',
  async (file) => {
    const project = scratch(RESUMED);
    const options = { cwd: project.directory };
    const failed = await watchRun([file, '--param', 'n=5'], options);
    expect([failed.code, failed.ends['bad']!.status]).toEqual([1, 'failed']);
    expect([...traced(project)].sort()).toEqual(['bad', 'load', 'sibling']);
    writeFileSync(project.path('trace.txt'), '');
    writeFileSync(project.path('ready'), '');
    // The stored packages run, not what became of the file.
    writeFileSync(project.path(file), 'export const broken = ;');
    const resumed = await watchRun(['resume', 'latest'], options);
    expect([resumed.code, resumed.stderr.includes('completed')]).toEqual([0, true]);
    expect(traced(project)).toEqual(['bad', 'child']);
    expect(resumed.events[0]).toMatchObject({ type: 'run.resume', run: failed.events[0]!.run });
    expect(resumed.events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
    const seqs = [...failed.events, ...resumed.events].map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index));
    const shown = await query<{ status: string; number: number; steps: unknown[] }>(
      ['show', 'latest'],
      options,
    );
    expect(shown).toMatchObject({ id: failed.events[0]!.run, number: 1, status: 'completed' });
    expect(shown.steps).toHaveLength(4);
    expect(shown.steps).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'load', status: 'completed', attempts: 1 }),
        expect.objectContaining({ name: 'bad', status: 'completed', attempts: 2 }),
      ]),
    );
    expect(await query(['get', 'latest', 'child'], options)).toBe(7);
    const again = await runPipeline(['resume', 'latest'], options);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('nothing to resume')]);
  },
);
