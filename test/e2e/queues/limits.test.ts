import { expect, test } from 'vitest';
import { query, runPipeline } from '../../rig/command.js';
import { until } from '../../rig/agents.js';
import { queueRig, type QueueRig, type RunProcess } from './rig.js';

const FILES = {
  // Six steps that say when they are at work.
  'busy.ts': `
import { pipeline, step } from 'run-pipeline';
import { setTimeout } from 'node:timers/promises';
import { trace } from './trace';
const work = step({ queue: 'busy' }, async (index: number): Promise<number> => {
  trace('+ ' + index);
  await setTimeout(50);
  trace('- ' + index);
  return index;
});
export const busy = pipeline({ name: 'busy', project: 'limits' }, async () => {
  await Promise.all([0, 1, 2, 3, 4, 5].map((index) => work(index)));
});
`,
  'gate.ts': `
import { pipeline, step } from 'run-pipeline';
import { appears, trace } from './trace';
const work = step({ queue: 'default' }, async (index: number): Promise<number> => {
  trace('work ' + index);
  await appears('gate');
  return index;
});
export const gated = pipeline({ name: 'gated', project: 'limits' }, async () => {
  await Promise.all([0, 1, 2, 3].map((index) => work(index)));
});
`,
  'needs.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears, trace } from './trace';
@Pipeline({ name: 'needs', project: 'limits', queue: 'default' })
export class Needs {
  @Step({ resources: { gpu: 1 } }) async first(): Promise<number> { trace('first'); await appears('gate'); return 1; }
  @Step({ resources: { gpu: 1 } }) async second(): Promise<number> { trace('second'); await appears('gate'); return 2; }
  @Step() plain(): number { trace('plain'); return 3; }
}
`,
  'order.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'order', project: 'limits' })
export class Order {
  @Step() low(): number { trace('low'); return 1; }
  @Step({ priority: 5 }) high(): number { trace('high'); return 2; }
  @Step({ priority: -5 }) last(): number { trace('last'); return 3; }
}
`,
};

const warnings = (run: RunProcess): readonly string[] =>
  run.stderr.split('\n').filter((line) => line.startsWith('▲'));
const limit = async (it: QueueRig, concurrency: number | null): Promise<void> => {
  await it.project.store.setQueueLimits('default', { concurrency });
};
const limitByCommand = async (it: QueueRig, ...words: string[]): Promise<void> => {
  const { code, stderr } = await runPipeline(['queue', 'limit', ...words], { cwd: it.files.directory });
  expect([code, stderr]).toEqual([0, '']);
};

/** How many were at work at once, at most, by what they traced. */
function atOnce(traces: readonly string[]): number {
  let [now, most] = [0, 0];
  for (const line of traces) most = Math.max(most, (now += line.startsWith('+') ? 1 : -1));
  return most;
}

test('of a queue with a limit no more run at once than it says, whatever the number of agents', async () => {
  const it = await queueRig(FILES);
  await query(['queue', 'create', 'busy'], { cwd: it.files.directory });
  await limitByCommand(it, 'busy', '--concurrency', '2');
  for (let count = 0; count < 2; count++) await it.agent(['--queue', 'busy', '-c', '3']);
  const run = it.run(['busy.ts']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([]);
  const traces = it.traces();
  expect(traces).toHaveLength(12);
  expect(atOnce(traces)).toBe(2);
});

test('a rate lets so many begin in its window, and the rest once it is taken away', async () => {
  const it = await queueRig(FILES);
  await it.agent(['-c', '4']);
  await limitByCommand(it, 'default', '--rate', '2/h');
  const run = it.run(['gate.ts']);
  await until(it.project, async () => it.traces().length === 2);
  it.open('gate');
  // Both have ended: it is not the places that keep the others.
  await until(it.project, async () => (await it.project.store.listQueues())[0]?.running === 0);
  expect((await it.project.store.listQueued('default')).length).toBe(2);
  await limitByCommand(it, 'default', '--rate', 'none');
  expect((await run.result()).code).toBe(0);
  expect(it.traces()).toHaveLength(4);
});

test('a paused queue is told at once; its steps wait, and go on when it does', async () => {
  const it = await queueRig(FILES);
  await it.agent(['-c', '4']);
  await limit(it, 0);
  it.open('gate');
  const run = it.run(['gate.ts']);
  await run.said('▲ queue "default" is paused: its steps wait (let it go on: ');
  await until(it.project, async () => (await it.project.store.listQueued('default')).length === 4);
  expect(it.traces()).toEqual([]);
  await limit(it, null);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toHaveLength(1);
});

test('a queue that is paused while steps wait in it is told then', async () => {
  const it = await queueRig(FILES);
  await it.agent(['-c', '1']);
  const run = it.run(['gate.ts']);
  await until(it.project, async () => it.traces().length === 1);
  await limit(it, 0);
  await run.said('queue "default" is paused');
  it.open('gate');
  await until(it.project, async () => (await it.project.store.listQueues())[0]?.running === 0);
  await limit(it, 4);
  expect((await run.result()).code).toBe(0);
});

test('the run executes nothing of a queue with limits itself: that waits for an agent, and is told', async () => {
  const it = await queueRig(FILES);
  await limit(it, 2);
  it.open('gate');
  const run = it.run(['gate.ts']);
  await run.said(
    '▲ no agent serves queue "default": its steps wait for one, since its limits hold for agents alone (start one: run-pipeline agent --queue default)',
  );
  await until(it.project, async () => (await it.project.store.listQueued('default')).length === 4);
  await it.agent();
  expect((await run.result()).code).toBe(0);
  for (const step of ['work', 'work_1', 'work_2', 'work_3'])
    expect(run.words(step)).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
});

test('a limit that is taken away while nobody serves the queue leaves its steps to the run', async () => {
  const it = await queueRig(FILES);
  await limit(it, 2);
  it.open('gate');
  const run = it.run(['gate.ts']);
  await run.said('limits hold for agents alone');
  await limit(it, null);
  expect((await run.result()).code).toBe(0);
  expect(run.words('work').at(-2)).toBe('start 1');
  expect(warnings(run).at(-1)).toContain(
    'no agent serves queue "default": the run executes its steps itself',
  );
});

test('a place whose agent was killed is free for the next one when its lease has run out', async () => {
  const it = await queueRig(FILES);
  await limit(it, 1);
  const first = await it.agent(['-c', '4']);
  const run = it.run(['gate.ts']);
  await until(it.project, async () => it.traces().length === 1);
  await it.agent(['-c', '4']);
  it.open('gate');
  first.kill('SIGKILL');
  expect((await run.result()).code).toBe(0);
  // The lost one was at work already, or had just ended.
  expect(run.words().filter((word) => word.startsWith('end'))).toEqual(Array(4).fill(expect.any(String)));
});

test('a step goes to an agent that has what it needs, and holds it: others that need it wait', async () => {
  const it = await queueRig(FILES);
  const gpu = await it.agent(['-c', '4', '--resources', 'gpu=1']);
  await it.agent(['-c', '4']);
  const { agent: id } = await gpu.told('agent.start');
  const run = it.run(['needs.ts']);
  await run.told('step.end', 'plain');
  const held = (): readonly string[] => it.traces().filter((line) => line !== 'plain');
  await until(it.project, async () => held().length > 0);
  const waiting = await it.project.store.listQueued('default');
  expect(waiting).toMatchObject([{ resources: { gpu: 1 } }]);
  expect(held()).toHaveLength(1);
  const shown = await runPipeline(['queue', 'show', 'default'], { cwd: it.files.directory });
  expect(shown.stdout).toMatch(/needs\.(first|second) .* needs gpu=1/);
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  for (const step of ['first', 'second'])
    expect(await run.told('step.start', step)).toMatchObject({ agent: id });
  expect(warnings(run)).toEqual([]);
});

test('what no agent that is alive has is told at once, with the agent that would be needed; the run executes it', async () => {
  const it = await queueRig(FILES);
  await it.agent();
  it.open('gate');
  const run = it.run(['needs.ts']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([
    '▲ no agent of queue "default" has what first needs (gpu=1): the run executes the step itself (start one: run-pipeline agent --queue default --resources gpu=1)',
  ]);
  for (const step of ['first', 'second']) expect(run.words(step)).toEqual(['start 1', 'end completed 1']);
  expect(run.words('plain')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
});

test('without any agent the line names what one would have to have', async () => {
  const it = await queueRig(FILES);
  it.open('gate');
  const run = it.run(['needs.ts']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([
    '▲ no agent serves queue "default": the run executes its steps itself (start one: run-pipeline agent --queue default --resources gpu=1)',
  ]);
});

test('when the agent that has what a step needs goes, the run executes it itself', async () => {
  const it = await queueRig(FILES);
  const gpu = await it.agent(['-c', '4', '--resources', 'gpu=1']);
  await it.agent(['-c', '4']);
  const run = it.run(['needs.ts']);
  await until(it.project, async () => (await it.project.store.listQueued('default')).length === 1);
  const { step: busy } = await run.told('step.start');
  gpu.kill('SIGTERM');
  await run.said('no agent of queue "default" has what');
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  expect(busy).toBeDefined();
});

test('of what waits the higher priority is first: of runs, and of the steps of each', async () => {
  const it = await queueRig(FILES);
  const { store } = it.project;
  await limit(it, 0);
  const usual = it.run(['order.ts', '--queue', 'default', '--no-cache']);
  await until(it.project, async () => (await store.listQueued('default')).length === 3);
  const urgent = it.run(['order.ts', '--queue', 'default', '--no-cache', '--priority', '100']);
  await until(it.project, async () => (await store.listQueued('default')).length === 6);
  const jobs = await store.listQueued('default');
  expect(jobs.map(({ step, priority }) => [step, priority])).toEqual([
    ['high', 105],
    ['low', 100],
    ['last', 95],
    ['high', 5],
    ['low', 0],
    ['last', -5],
  ]);
  await limit(it, 1);
  const agent = await it.agent(['-c', '4']);
  for (const run of [usual, urgent]) expect((await run.result()).code).toBe(0);
  const started = agent.lines.flatMap((line) => (line.type === 'task.start' ? [line.task] : []));
  expect(started).toEqual(jobs.map(({ task }) => task));
});

test('in a run without agents a priority says which step gets the next place', async () => {
  const it = await queueRig(FILES);
  const run = it.run(['order.ts', '--concurrency', '1']);
  expect((await run.result()).code).toBe(0);
  expect(it.traces()).toHaveLength(3);
  expect(it.traces().at(-1)).toBe('last');
});
