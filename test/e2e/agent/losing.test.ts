import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { TaskId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { fleet, type Fleet } from '../../rig/agents.js';
import { eventually, isWorker, send, watchdogOf } from '../../rig/crash.js';
import { TRACE } from '../../rig/steps.js';

/**
 * Each execution leaves `pid-ATTEMPT` and says whether the process of the attempt before it still lives.
 * The first attempt waits for a gate that may never open; with `busy` it does not even hear of its end.
 */
const script = (wait: string): string => `
import { readFileSync, writeFileSync } from 'node:fs';
import { currentTask } from 'run-pipeline';
import { appears, trace } from './trace';
const task = currentTask();
process.chdir(process.env.TRACES!);
let before = '';
if (task.attempt > 1) {
  const pid = Number(readFileSync('pid-' + (task.attempt - 1), 'utf8'));
  // A process that has ended and is not reaped yet has no command line.
  try { before = readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('worker.js') ? ' beside another' : ' alone'; }
  catch { before = ' alone'; }
}
trace('attempt ' + task.attempt + before);
console.log('begins');
writeFileSync('pid-' + task.attempt, String(process.pid));
${wait}
await task.uploadArtifact('attempt', task.attempt);
console.log('ends');
`;
const FILES = {
  ...TRACE,
  'waits.ts': script(`if (task.attempt === 1) await appears('gate');`),
  'busy.ts': script(`if (task.attempt === 1) for (;;);`),
  'deadly.ts': script('for (;;);'),
  'quick.ts': `console.log('done');\n`,
};
const traces = (it: Fleet): readonly string[] =>
  readFileSync(it.files.path('trace.txt'), 'utf8').trimEnd().split('\n');
async function workerOf(it: Fleet, attempt: number): Promise<number> {
  const file = it.files.path(`pid-${attempt}`);
  await eventually(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return Number(readFileSync(file, 'utf8'));
}
const stateOf = async ({ project }: Fleet, task: TaskId) =>
  (await project.store.readAttempts([task])).get(task);

/** It was executed once more and no more, by one at a time, and what is there is the second attempt's. */
async function verifySecond(it: Fleet, task: TaskId): Promise<void> {
  const ending = await it.ended(task);
  expect(ending).toMatchObject({ status: 'completed', attempt: 2 });
  expect(traces(it)).toEqual(['attempt 1', 'attempt 2 alone']);
  expect(await it.console(task, 1)).toMatch(/^(begins\n)?$/);
  expect(await it.console(task, 2)).toBe('begins\nends\n');
  expect(await it.project.store.readTaskArtifacts(task)).toMatchObject([
    { record: { name: 'attempt', preview: '2' } },
  ]);
  // Whatever the lost attempt, or anybody with its fence, has to say is refused.
  const { store } = it.project;
  const late = { task, fence: ending.fence - 1 };
  expect(
    await store.appendTaskOutput({ ...late, entries: [{ kind: 'log', stream: 'stdout', text: 'late' }] }),
  ).toBe(false);
  expect(await store.finishTask({ ...late, status: 'failed', artifacts: [] })).toBe(false);
  expect(await store.releaseTask(task, late.fence, 'late')).toBe(false);
}

test('an agent that is killed is missed within its lease, and another one executes its task', async () => {
  const it = await fleet(FILES);
  const task = await it.enqueue('busy.ts');
  const first = await it.agent();
  const worker = await workerOf(it, 1);
  const second = await it.agent();
  first.kill('SIGKILL');
  // The worker goes with its agent, before anybody misses it.
  await eventually(() => !isWorker(worker));
  expect(isWorker(worker)).toBe(false);
  expect(await second.told('task.end', task)).toMatchObject({ status: 'completed', attempt: 2 });
  expect(second.about(task)).toEqual(['task.recover', 'task.start', 'task.end']);
  await verifySecond(it, task);
  expect((await stateOf(it, task))?.lost).toMatchObject([
    { attempt: 1, reason: expect.stringContaining('not heard of for longer than its lease') },
  ]);
});

test('a worker that outlived its agent and the watchdog is ended by whoever executes the task next', async () => {
  const it = await fleet(FILES);
  const task = await it.enqueue('busy.ts');
  const first = await it.agent();
  const worker = await workerOf(it, 1);
  send(watchdogOf(first.pid)!, 'SIGKILL');
  first.kill('SIGKILL');
  await first.ended;
  expect(isWorker(worker)).toBe(true);
  const second = await it.agent();
  expect(await second.told('task.end', task)).toMatchObject({ status: 'completed' });
  expect(isWorker(worker)).toBe(false);
  await verifySecond(it, task);
});

test('three lost agents fail the task with that reason', async () => {
  const it = await fleet(FILES);
  const task = await it.enqueue('deadly.ts');
  for (let attempt = 1; attempt <= 3; attempt++) {
    const agent = await it.agent();
    await workerOf(it, attempt);
    agent.kill('SIGKILL');
  }
  const last = await it.agent();
  expect(await last.told('task.give-up', task)).toMatchObject({ status: 'failed' });
  expect(await it.ended(task)).toMatchObject({
    status: 'failed',
    attempt: 3,
    error: { code: 'agent-lost', message: expect.stringContaining('lost 3 times') },
  });
  expect(traces(it)).toEqual(['attempt 1', 'attempt 2 alone', 'attempt 3 alone']);
});

test('an agent that was suspended past its lease drops what is somebody else’s, and works on', async () => {
  const it = await fleet(FILES);
  const task = await it.enqueue('waits.ts');
  const first = await it.agent();
  const worker = await workerOf(it, 1);
  first.kill('SIGSTOP');
  const second = await it.agent();
  expect(await second.told('task.end', task)).toMatchObject({ status: 'completed', attempt: 2 });
  expect(isWorker(worker)).toBe(false);
  it.files.write({ gate: '' });
  second.kill('SIGTERM');
  await second.ended;
  first.kill('SIGCONT');
  expect(await first.told('task.lost', task)).toMatchObject({ attempt: 1 });
  expect(first.about(task)).toEqual(['task.start', 'task.lost']);
  const next = await it.enqueue('quick.ts');
  expect(await first.told('task.end', next)).toMatchObject({ status: 'completed', attempt: 1 });
  await verifySecond(it, task);
});

test('an agent that was suspended, and that nobody replaced, goes on with what it had', async () => {
  const it = await fleet(FILES);
  const task = await it.enqueue('waits.ts');
  const agent = await it.agent();
  await workerOf(it, 1);
  agent.kill('SIGSTOP');
  await eventually(async () => (await stateOf(it, task))?.leaseExpired === true);
  agent.kill('SIGCONT');
  it.files.write({ gate: '' });
  expect(await agent.told('task.end', task)).toMatchObject({ status: 'completed', attempt: 1 });
  expect(agent.about(task)).toEqual(['task.start', 'task.end']);
});

test('an agent whose row was removed registers again', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent();
  const [row] = await it.project.store.listAgents();
  await it.project.store.removeAgent(row!.id);
  await eventually(async () => (await it.project.store.listAgents()).length === 1);
  expect(await it.project.store.listAgents()).toMatchObject([{ id: row!.id, identity: { pid: agent.pid } }]);
});

test('an agent whose state was removed ends and says so: it would serve what nobody else can see', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent();
  rmSync(it.project.home, { recursive: true });
  expect(await agent.ended).toEqual({ code: 4, signal: null });
  expect(agent.stderr).toContain(
    `the state that this agent served, ${it.project.home}, was removed or replaced`,
  );
});

test('work that crashes its process costs one task', async () => {
  const it = await fleet({
    'crash.ts': `console.log('before'); process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {});\n`,
    'throws.ts': `throw new RangeError('too far');\n`,
    'quick.ts': `console.log('done');\n`,
  });
  const agent = await it.agent(['-c', '1']);
  const [crash, throws, quick] = [
    await it.enqueue('crash.ts'),
    await it.enqueue('throws.ts'),
    await it.enqueue('quick.ts'),
  ];
  expect(await agent.told('task.end', crash)).toMatchObject({
    status: 'failed',
    error: { code: 'worker-lost' },
  });
  expect(await it.console(crash)).toBe('before\n');
  expect(await agent.told('task.end', throws)).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', message: 'too far', at: 'throws.ts:1:7' },
  });
  expect(await agent.told('task.end', quick)).toMatchObject({ status: 'completed' });
});
