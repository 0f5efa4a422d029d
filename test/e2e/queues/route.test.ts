import { expect, test } from 'vitest';
import { queueRig, type RunProcess } from './rig.js';

const FILES = {
  'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'routes', queue: 'pipe' })
export class Routes {
  @Step({ queue: 'own' }) own(): number { return 1; }
  @Step() other(): number { return 2; }
  @Step({ isolation: 'inline' }) inline(): number { return process.pid; }
}
`,
  'waits.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears, trace } from './trace';
@Pipeline({ name: 'waits' })
export class Waits {
  @Step() async first(): Promise<number> { trace('first'); await appears('gate'); return 1; }
  @Step() async second(): Promise<number> { trace('second'); await appears('gate'); return 2; }
}
`,
};
const NOBODY = (queue: string, option = ' --create-queue'): string =>
  `▲ no agent serves queue "${queue}": the run executes its steps itself (start one: run-pipeline agent --queue ${queue}${option})`;
const warnings = (run: RunProcess): readonly string[] =>
  run.stderr
    .split('\n')
    .filter((line) => line.startsWith('▲'))
    .sort();

test('queues that no agent serves are told at once, each once, and the run executes their steps itself', async () => {
  const it = await queueRig(FILES);
  const run = it.run(['pipe.ts']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([NOBODY('own'), NOBODY('pipe')]);
  for (const step of ['own', 'other', 'inline'])
    expect(run.words(step)).toEqual(['start 1', 'end completed 1']);
});

test('--queue is for steps without a queue of their own, before the one of the pipeline; inline steps stay', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--queue', 'flag', '--create-queue']);
  const run = it.run(['pipe.ts', '--queue', 'flag']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([NOBODY('own')]);
  expect(run.words('own')).toEqual(['start 1', 'end completed 1']);
  expect(run.words('other')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  expect((await run.told('step.start', 'inline')).pid).toBe(run.pid);
  const { agent: id } = await agent.told('agent.start');
  expect(await run.told('step.start', 'other')).toMatchObject({ agent: id });
});

test('--local runs everything here, although agents are there, and says nothing', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--queue', 'own', 'pipe', '--create-queue']);
  const run = it.run(['pipe.ts', '--local']);
  expect((await run.result()).code).toBe(0);
  expect(warnings(run)).toEqual([]);
  expect(run.lines.filter(({ type }) => type === 'step.queue')).toEqual([]);
  expect(run.words('own')).toEqual(['start 1', 'end completed 1']);
});

const other = (step: string): string => (step === 'first' ? 'second' : 'first');

test('a waiting step holds no slot; when its agent goes, it runs here, and that is said', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--concurrency', '1']);
  const run = it.run(['waits.ts', '--queue', 'default', '--concurrency', '1']);
  const { step: busy } = await run.told('step.start');
  await run.told('step.queue', other(busy));
  // The agent takes nothing new and ends with what it has: nobody is left for the other one.
  agent.kill('SIGTERM');
  const started = await run.told('step.start', other(busy));
  expect(started).toMatchObject({ attempt: 1 });
  expect(started).not.toHaveProperty('agent');
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  expect(run.words(other(busy))).toEqual(['queue 1', 'start 1', 'end completed 1']);
  expect(run.words(busy)).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  expect(warnings(run)).toEqual([NOBODY('default', '')]);
  expect(it.traces().toSorted()).toEqual(['first', 'second']);
});

test('what somebody clears out of a queue is executed by its run', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--concurrency', '1']);
  const run = it.run(['waits.ts', '--queue', 'default']);
  const { step: busy } = await run.told('step.start');
  await run.told('step.queue', other(busy));
  expect(await it.project.store.clearQueue('default')).toHaveLength(1);
  expect(await run.told('step.start', other(busy))).not.toHaveProperty('agent');
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  expect(run.words(busy)).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  // An agent serves the queue all the time.
  expect(warnings(run)).toEqual([]);
  expect(it.traces().toSorted()).toEqual(['first', 'second']);
});
