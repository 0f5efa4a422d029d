import { existsSync, writeFileSync } from 'node:fs';
import type { RunEvent } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { until } from '../../rig/agents.js';
import { eventually } from '../../rig/crash.js';
import { queueRig, type QueueRig, type RunProcess } from './rig.js';
import { processIdentity } from '../../rig/engine.js';

/** The process of a run is killed while its steps are in queues or on agents. */
const FILES = {
  'data.txt': 'one',
  'pipe.ts': `
import { Pipeline, Step, file, type FileValue } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'resumed', queue: 'default' })
export class Resumed {
  @Step({ inputs: [file('data.txt')] }) async first(data: FileValue): Promise<number> {
    trace('first ' + data.size); console.log('begins'); leave('first'); await appears('gate'); console.log('ends'); return 1;
  }
  @Step({ inputs: [file('data.txt')] }) async second(data: FileValue): Promise<number> {
    trace('second ' + data.size); console.log('begins'); leave('second'); await appears('gate'); console.log('ends'); return 2;
  }
  @Step({ inputs: ['$<first.result>', '$<second.result>'] }) sum(a: number, b: number): number { trace('sum'); return a + b; }
}
`,
  'calls.ts': `
import { pipeline, step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
const fit = step({ name: 'fit' }, async (n: number) => { trace('fit ' + n); leave('fit' + n); await appears('gate-' + n); return n; });
const sum = step({ name: 'sum' }, (list: number[]) => list.reduce((a, b) => a + b, 0));
export const calls = pipeline({ name: 'calls', queue: 'default' }, async () => {
  const numbers = [1, 2, 3];
  // The second time it comes to them in another order.
  if (process.env.REVERSED === '1') numbers.reverse();
  return sum(numbers.map((n) => fit(n)));
});
`,
};

const taskOf = (run: RunProcess, step: string): never => `${run.lines[0]!.run}.${step}` as never;
/** When the store says so. */
const attemptIs = (it: QueueRig, task: never, status: string) =>
  until(it.project, async () => (await it.project.store.readAttempts([task])).get(task)?.status === status);

/** The whole history of the run: nothing is told twice, whichever process told it. */
async function history(it: QueueRig, run: RunProcess): Promise<readonly RunEvent[]> {
  const events = await it.project.store.readEvents(run.lines[0]!.run);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  expect(events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  return events;
}
const consoleOf = (events: readonly RunEvent[], step: string): string =>
  events.map((event) => (event.type === 'step.log' && event.step === step ? event.text : '')).join('');

async function bothRun(it: QueueRig): Promise<RunProcess> {
  const run = it.run(['pipe.ts']);
  await run.told('step.log', 'first');
  await run.told('step.log', 'second');
  return run;
}

test('what ended on agents meanwhile is taken over; nothing is executed again', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--concurrency', '2']);
  const run = await bothRun(it);
  run.kill();
  await run.ended;
  it.open('gate');
  for (const step of ['first', 'second']) await attemptIs(it, taskOf(run, step), 'completed');
  const resumed = it.run(['resume', 'latest']);
  expect((await resumed.result()).code).toBe(0);
  expect(resumed.words('first')).toEqual(['end completed 1']);
  expect(resumed.words('sum')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  expect(it.traces().toSorted()).toEqual(['first 3', 'second 3', 'sum']);
  const events = await history(it, run);
  for (const step of ['first', 'second']) expect(consoleOf(events, step)).toBe('begins\nends\n');
});

test('what still runs on agents is followed from there', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--concurrency', '2']);
  const run = await bothRun(it);
  run.kill();
  await run.ended;
  const resumed = it.run(['resume', 'latest']);
  const { agent: id } = await agent.told('agent.start');
  for (const step of ['first', 'second'])
    expect(await resumed.told('step.start', step)).toMatchObject({ attempt: 1, agent: id });
  it.open('gate');
  expect((await resumed.result()).code).toBe(0);
  expect(resumed.words('first')).toEqual(['start 1 on agent', 'end completed 1']);
  expect(it.traces().toSorted()).toEqual(['first 3', 'second 3', 'sum']);
  const events = await history(it, run);
  for (const step of ['first', 'second']) expect(consoleOf(events, step)).toBe('begins\nends\n');
});

test('what still waits in its queue keeps its place; without an agent the resumed run takes it back', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--concurrency', '1']);
  const run = it.run(['pipe.ts']);
  const { step: busy } = await run.told('step.start');
  const waits = busy === 'first' ? 'second' : 'first';
  await run.told('step.queue', waits);
  run.kill();
  await run.ended;
  expect(await it.project.store.listQueued('default')).toMatchObject([{ step: waits, attempt: 1 }]);
  const resumed = it.run(['resume', 'latest']);
  await resumed.told('step.queue', waits);
  await resumed.told('step.start', busy);
  expect(await it.project.store.listQueued('default')).toMatchObject([{ step: waits, attempt: 1 }]);
  resumed.kill();
  await resumed.ended;
  agent.kill();
  await agent.ended;
  // Its lease has to run out before anybody knows.
  const again = it.run(['resume', 'latest']);
  expect(await again.told('step.start', waits)).not.toHaveProperty('agent');
  it.open('gate');
  expect((await again.result()).code).toBe(0);
  expect(again.words(waits).at(-1)).toBe('end completed 1');
  expect(again.words(busy).slice(-2)).toEqual(['start 2', 'end completed 2']);
  await history(it, run);
});

test('--local on resume: what waits is executed here, what runs on an agent is let run', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--concurrency', '1']);
  const run = it.run(['pipe.ts']);
  const { step: busy } = await run.told('step.start');
  const waits = busy === 'first' ? 'second' : 'first';
  await run.told('step.queue', waits);
  run.kill();
  await run.ended;
  const resumed = it.run(['resume', 'latest', '--local']);
  expect(await resumed.told('step.start', waits)).not.toHaveProperty('agent');
  expect(await resumed.told('step.start', busy)).toHaveProperty('agent');
  it.open('gate');
  expect((await resumed.result()).code).toBe(0);
  expect(resumed.words('sum')).toEqual(['start 1', 'end completed 1']);
  expect(it.traces().toSorted()).toEqual(['first 3', 'second 3', 'sum']);
});

test.each(['running', 'completed', 'queued'] as const)(
  'an input has changed since: the attempt that is %s does not count, and the step is executed anew',
  async (status) => {
    const it = await queueRig(FILES);
    await it.agent(['--concurrency', status === 'queued' ? '1' : '2']);
    const run = it.run(['pipe.ts']);
    const { step: busy } = await run.told('step.start');
    const other = busy === 'first' ? 'second' : 'first';
    await (status === 'queued' ? run.told('step.queue', other) : run.told('step.log', other));
    await run.told('step.log', busy);
    run.kill();
    await run.ended;
    if (status === 'completed') {
      it.open('gate');
      for (const step of [busy, other]) await attemptIs(it, taskOf(run, step), 'completed');
    }
    writeFileSync(it.files.path('data.txt'), 'changed');
    const resumed = it.run(['resume', 'latest']);
    await eventually(() => it.traces().some((line) => line.endsWith(' 7')));
    it.open('gate');
    const { code, ends } = await resumed.result();
    expect(code).toBe(0);
    expect(ends[busy]).toMatchObject({ status: 'completed', attempt: 2 });
    const expected = status === 'queued' ? [`${busy} 3`] : ['first 3', 'second 3'];
    expect(it.traces().toSorted()).toEqual([...expected, 'first 7', 'second 7', 'sum'].toSorted());
    await history(it, run);
  },
);

test('calls of a pipeline function are found by what they are, also on agents', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--concurrency', '3']);
  const run = it.run(['calls.ts'], { REVERSED: '0' });
  for (const n of [1, 2, 3]) await eventually(() => existsSync(it.files.path(`fit${n}`)));
  for (const step of ['fit', 'fit_1', 'fit_2']) await run.told('step.start', step);
  it.open('gate-1');
  await run.told('step.end');
  run.kill();
  await run.ended;
  it.open('gate-2');
  await attemptIs(it, taskOf(run, 'fit_1'), 'completed');
  const resumed = it.run(['resume', 'latest'], { REVERSED: '1' });
  await resumed.told('step.start', 'fit_2');
  it.open('gate-3');
  const { code, ends } = await resumed.result();
  expect(code).toBe(0);
  expect(it.traces().toSorted()).toEqual(['fit 1', 'fit 2', 'fit 3']);
  expect(ends['fit_1']).toMatchObject({ attempt: 1, artifacts: [{ preview: '2' }] });
  expect(ends['fit_2']).toMatchObject({ attempt: 1, artifacts: [{ preview: '3' }] });
  expect(ends['sum']).toMatchObject({ artifacts: [{ preview: '6' }] });
  await history(it, run);
});

test('agent and run are killed together: the resumed run has the step executed once more', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent(['--concurrency', '2']);
  const run = await bothRun(it);
  agent.kill();
  run.kill();
  await Promise.all([agent.ended, run.ended]);
  await it.agent(['--concurrency', '2']);
  it.open('gate');
  const resumed = it.run(['resume', 'latest']);
  expect((await resumed.result()).code).toBe(0);
  // Until the lease has run out the agent might be alive, and is waited for.
  expect(resumed.words('first').slice(-4)).toEqual([
    'retry 1 agent-lost',
    'queue 2',
    'start 2 on agent',
    'end completed 2',
  ]);
  expect(it.traces().toSorted()).toEqual(['first 3', 'first 3', 'second 3', 'second 3', 'sum']);
  await history(it, run);
});

test('a process that lost its run to another one leaves what agents execute, and what waits, alone', async () => {
  const it = await queueRig(FILES);
  await it.agent(['--concurrency', '1']);
  const run = it.run(['pipe.ts']);
  const { step: busy } = await run.told('step.start');
  const waits = busy === 'first' ? 'second' : 'first';
  await run.told('step.queue', waits);
  const id = run.lines[0]!.run;
  const taken = await it.project.store.takeRun(id, { expectedEpoch: 1, owner: processIdentity() });
  expect(taken.ok).toBe(true);
  // Whatever it is told meanwhile.
  run.kill('SIGINT');
  expect((await run.ended).code).not.toBe(0);
  expect(run.stderr).toContain('another process');
  const { store } = it.project;
  expect(await store.readTaskStops([taskOf(run, busy)])).toEqual(new Map());
  expect(await store.listQueued('default')).toMatchObject([{ step: waits, attempt: 1 }]);
  it.open('gate');
  for (const step of [busy, waits]) await attemptIs(it, taskOf(run, step), 'completed');
  expect(run.lines.filter(({ type }) => type === 'step.end' || type === 'run.end')).toEqual([]);
});
