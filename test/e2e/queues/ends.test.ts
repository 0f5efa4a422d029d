import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runPipeline } from '../../rig/command.js';
import { eventually } from '../../rig/crash.js';
import { queueRig, type QueueRig } from './rig.js';

/** How steps on agents end badly: the same as here. */
const FILES = {
  'fails.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'fails', queue: 'default' })
export class Fails {
  @Step() start(): number { return 1; }
  @Step({ inputs: ['$<start.result>'] }) bad(_: number): number { throw new TypeError('no rows'); }
  @Step({ inputs: ['$<bad.result>'] }) child(n: number): number { return n; }
  @Step({ inputs: ['$<start.result>'], continueOnFail: true, skipChildrenOnFail: false }) soft(_: number): number { throw new Error('never mind'); }
  @Step({ inputs: ['$<soft.result>'] }) heir(n: number | undefined): string { return typeof n; }
}
`,
  'retries.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
class Fatal extends Error {}
@Pipeline({ name: 'retries', queue: 'default' })
export class Retries {
  @Step({ retry: { retries: 2, backoff: '1ms' } }) never(): number { trace('never'); throw new Error('no'); }
  @Step({ retry: { retries: 5, backoff: '1ms' } }) third(): number { trace('third'); if (currentTask().attempt < 3) throw new Error('not yet'); return 3; }
  @Step({ retry: { retries: 5, backoff: '1ms', when: (error) => error.name !== 'Fatal' } }) fatal(): number { trace('fatal'); throw Object.assign(new Fatal('at once'), { name: 'Fatal' }); }
}
`,
  'timeouts.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { leave } from './trace';
@Pipeline({ name: 'timeouts', queue: 'default' })
export class Timeouts {
  @Step({ timeout: '1s' }) busy(): number { leave('busy'); for (;;); }
  @Step({ inputs: ['$<busy.result>'] }) after(n: number): number { return n; }
}
`,
  'queued.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'queued', queue: 'default' })
export class Queued {
  @Step({ timeout: '500ms' }) late(): number { trace('late'); return 1; }
  @Step({ inputs: ['$<late.result>'] }) after(n: number): number { return n; }
}
`,
  'holds.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears, leave } from './trace';
@Pipeline({ name: 'holds', queue: 'default' })
export class Holds {
  @Step() async hold(): Promise<number> { leave('held'); await appears('gate'); return 1; }
}
`,
  'stops.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'stops', queue: 'default' })
export class Stops {
  @Step() async first(): Promise<number> { trace('first'); leave('one'); await appears('gate', currentTask().signal); return 1; }
  @Step() async second(): Promise<number> { trace('second'); leave('one'); await appears('gate', currentTask().signal); return 2; }
  @Step({ inputs: ['$<first.result>', '$<second.result>'] }) after(a: number, b: number): number { trace('after'); return a + b; }
}
`,
  'aborts.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'aborts', queue: 'default', abortOnFailure: true })
export class Aborts {
  @Step() async slow(): Promise<number> { leave('slow'); await appears('gate', currentTask().signal); return 1; }
  @Step() async bad(): Promise<number> { await appears('slow', currentTask().signal); throw new Error('all of it'); }
  @Step({ inputs: ['$<slow.result>'] }) after(n: number): number { trace('after'); return n; }
}
`,
  'whole.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { leave } from './trace';
@Pipeline({ name: 'whole', queue: 'default', timeout: '1s' })
export class Whole {
  @Step() one(): number { leave('busy'); for (;;); }
  @Step() two(): number { leave('busy'); for (;;); }
}
`,
};

const waiting = (it: QueueRig) => it.project.store.listQueued('default');

const CALLBACKS = `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'callbacks', project: 'p' });
const told = (...words: unknown[]) => console.log(words.join(' '));
pipe.addFunctionStep({
  name: 'one',
  function: () => 1,
  statusChangeCallback: (_pipe, node, previous) => told('status', previous, node.status, node.attempt),
  preExecuteCallback: (_pipe, node) => told('before', node.status),
  postExecuteCallback: (_pipe, node) => told('after', node.status, 'queue', String(node.queue)),
});
`;

/** An agent that lives on is shared: it has one place, or two. */
const cleaning: (() => Promise<void> | void)[] = [];
let one: QueueRig;
let two: QueueRig;
beforeAll(async () => {
  const files = { ...FILES, 'callbacks.ts': CALLBACKS };
  const rigOf = async (places: number): Promise<QueueRig> => {
    const it = await queueRig(files, (clean) => void cleaning.unshift(clean));
    await it.agent(['--concurrency', String(places)]);
    return it;
  };
  [one, two] = await Promise.all([rigOf(1), rigOf(2)]);
}, 60_000);
beforeEach(() => {
  for (const it of [one, two]) it.forget();
});
afterAll(async () => {
  for (const clean of cleaning) await clean();
});

test.each(['', 'deep'])(
  'a step that fails on an agent: the same error, the same consequences (%s)',
  async (sub) => {
    const it = two;
    it.files.write({ 'deep/README': '' });
    const cwd = it.files.path(sub);
    const file = sub === '' ? 'fails.ts' : '../fails.ts';
    const here = await it.run([file, '--local'], {}, cwd).result();
    const run = it.run([file], {}, cwd);
    const { code, ends } = await run.result();
    expect(code).toBe(1);
    const error = here.ends['bad']!.error!;
    expect(error).toMatchObject({
      name: 'TypeError',
      message: 'no rows',
      frame: expect.stringContaining("throw new TypeError('no rows')") as string,
    });
    expect({ ...ends['bad']?.error, trace: '' }).toEqual({ ...error, trace: '' });
    expect(ends['bad']).toMatchObject({ status: 'failed', attempt: 1 });
    expect(ends['child']).toMatchObject({ status: 'skipped', why: ['bad failed'] });
    expect(ends['soft']).toMatchObject({ status: 'failed' });
    expect(ends['heir']).toMatchObject({ status: 'completed', artifacts: [{ preview: '"undefined"' }] });
    expect(run.words('bad')).toEqual(['queue 1', 'start 1 on agent', 'end failed 1']);
  },
);

test('retries go through the queue, each an attempt; a predicate sees the error', async () => {
  const it = two;
  const run = it.run(['retries.ts']);
  expect((await run.result()).code).toBe(1);
  const attempt = (number: number, end: string) => [`queue ${number}`, `start ${number} on agent`, end];
  expect(run.words('never')).toEqual(
    [attempt(1, 'retry 1 no'), attempt(2, 'retry 2 no'), attempt(3, 'end failed 3')].flat(),
  );
  expect(run.words('third').at(-1)).toBe('end completed 3');
  expect(run.words('fatal').at(-1)).toBe('end failed 1');
  const count = (word: string): number => it.traces().filter((line) => line === word).length;
  expect([count('never'), count('third'), count('fatal')]).toEqual([3, 3, 1]);
});

test('a timeout ends a busy step on its agent, and the worker with it', async () => {
  const it = two;
  const run = it.run(['timeouts.ts']);
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect(ends['busy']).toMatchObject({
    status: 'aborted',
    attempt: 1,
    error: { code: 'timeout', message: 'step busy took longer than its timeout of 1s' },
  });
  expect(ends['after']).toMatchObject({ status: 'skipped' });
  const state = await it.project.store.readAttempts([`${run.lines[0]!.run}.busy` as never]);
  expect([...state.values()]).toMatchObject([{ status: 'aborted' }]);
});

test('a timeout ends a step that is still queued, which is then in no queue any more', async () => {
  const it = one;
  const holder = it.run(['holds.ts']);
  await eventually(() => existsSync(it.files.path('held')));
  const run = it.run(['queued.ts']);
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect(ends['late']).toMatchObject({
    status: 'aborted',
    attempt: 0,
    error: { code: 'timeout', message: expect.stringContaining('waiting in queue "default"') as string },
  });
  expect(ends['after']).toMatchObject({ status: 'skipped' });
  expect(run.words('late')).toEqual(['queue 1', 'end aborted 0']);
  expect(await waiting(it)).toEqual([]);
  it.open('gate');
  expect((await holder.result()).code).toBe(0);
  expect(it.traces()).toEqual([]);
});

test('stop: what runs on an agent is told and ends, what waits is withdrawn and never starts', async () => {
  const it = one;
  const run = it.run(['stops.ts']);
  const { step: busy } = await run.told('step.start');
  const waits = busy === 'first' ? 'second' : 'first';
  await run.told('step.queue', waits);
  await eventually(() => existsSync(it.files.path('one')));
  const stop = await runPipeline(['stop', 'latest', '--reason', 'enough'], {
    cwd: it.files.directory,
    env: it.env,
  });
  expect(stop.code).toBe(0);
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect(ends[busy]).toMatchObject({ status: 'aborted', attempt: 1 });
  expect(ends[waits]).toMatchObject({ status: 'skipped', attempt: 0 });
  expect(ends['after']).toMatchObject({ status: 'skipped' });
  expect(run.lines.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'aborted',
    error: { message: 'enough' },
  });
  expect(await waiting(it)).toEqual([]);
  expect(it.traces()).toEqual([busy]);
  // Resumed, it executes both.
  it.open('gate');
  const resumed = it.run(['resume', 'latest']);
  expect((await resumed.result()).code).toBe(0);
  expect(resumed.words(busy).at(-1)).toBe('end completed 2');
  expect(resumed.words(waits).at(-1)).toBe('end completed 1');
});

test('abortOnFailure ends what runs elsewhere and skips the rest', async () => {
  const it = two;
  const run = it.run(['aborts.ts']);
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect(ends['bad']).toMatchObject({ status: 'failed' });
  expect(ends['slow']).toMatchObject({ status: 'aborted' });
  expect(ends['after']).toMatchObject({ status: 'skipped' });
  expect(it.traces()).toEqual([]);
});

test('the timeout of a run ends what runs on agents and what waits for them', async () => {
  const it = one;
  const run = it.run(['whole.ts']);
  const { code } = await run.result();
  expect(code).toBe(1);
  expect(run.lines.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: { code: 'run-timeout' },
  });
  const ended = ['one', 'two'].map((step) => run.words(step).at(-1)).toSorted();
  expect(ended).toEqual(['end aborted 1', 'end skipped 0']);
  expect(await waiting(it)).toEqual([]);
});

test('Ctrl-C while steps are on agents: they are told, their ends are kept, exit 130', async () => {
  const it = two;
  const run = it.run(['stops.ts']);
  await run.told('step.start', 'first');
  await run.told('step.start', 'second');
  run.kill('SIGINT');
  const { code, ends } = await run.result();
  expect(code).toBe(130);
  expect([ends['first']?.status, ends['second']?.status, ends['after']?.status]).toEqual([
    'aborted',
    'aborted',
    'skipped',
  ]);
  expect(run.lines.at(-1)).toMatchObject({ type: 'run.end', status: 'aborted' });
});

test('a step that somebody aborts while it is queued is aborted, and never started', async () => {
  const it = one;
  const run = it.run(['stops.ts']);
  const { step: busy } = await run.told('step.start');
  const waits = busy === 'first' ? 'second' : 'first';
  await run.told('step.queue', waits);
  const [job] = await waiting(it);
  expect(await it.project.store.abortTask(job!.task, 'not today')).toBe(true);
  expect(await run.told('step.end', waits)).toMatchObject({
    status: 'aborted',
    attempt: 0,
    error: { message: 'not today' },
  });
  it.open('gate');
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect([ends[busy]?.status, ends['after']?.status]).toEqual(['completed', 'skipped']);
  expect(run.words(waits)).toEqual(['queue 1', 'end aborted 0']);
});

test('a stop waits for an agent that is gone no longer than its lease', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--concurrency', '2']);
  const run = it.run(['stops.ts']);
  for (const step of ['first', 'second']) await run.told('step.start', step);
  agent.kill('SIGSTOP');
  run.kill('SIGINT');
  const { code, ends } = await run.result();
  expect(code).toBe(130);
  expect([ends['first']?.status, ends['second']?.status]).toEqual(['aborted', 'aborted']);
  // What was asked to stop is not queued again when its lease runs out.
  expect(await waiting(it)).toEqual([]);
});

test('a retry runs here when the agent has gone after the attempt before', async () => {
  const it = await queueRig({
    'pipe.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { appears, leave } from './trace';
@Pipeline({ name: 'again', queue: 'default' })
export class Again {
  @Step({ retry: { retries: 1, backoff: '1ms' } }) async twice(): Promise<number> {
    leave('begun');
    await appears('gate');
    if (currentTask().attempt === 1) throw new Error('once');
    return 2;
  }
}
`,
  });
  const agent = await it.agent();
  const run = it.run(['pipe.ts']);
  await run.told('step.start');
  agent.kill('SIGTERM');
  await agent.told('agent.drain');
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  expect(run.words('twice')).toEqual([
    'queue 1',
    'start 1 on agent',
    'retry 1 once',
    'start 2',
    'end completed 2',
  ]);
});

test('callbacks see the same changes of status as here, each once, and the queue', async () => {
  const it = two;
  const lines = async (...args: readonly string[]) => {
    const { stdout } = await runPipeline(['callbacks.ts', '--output', 'quiet', ...args], {
      cwd: it.files.directory,
      env: it.env,
    });
    return stdout.trimEnd().split('\n');
  };
  const here = await lines();
  expect(here).toContain('status queued running 1');
  expect(here).toContain('after completed queue undefined');
  expect(await lines('--queue', 'default')).toEqual(
    here.map((line) => (line.startsWith('after') ? 'after completed queue default' : line)),
  );
});
