import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fleet, until, type Fleet } from '../../rig/agents.js';
import { eventually, isWorker } from '../../rig/crash.js';
import { query } from '../../rig/command.js';
import { TRACE } from '../../rig/steps.js';

const HEAD = `
import { writeFileSync } from 'node:fs';
import { currentTask } from 'run-pipeline';
import { appears, trace } from './trace';
process.chdir(process.env.TRACES!);
trace('attempt ' + currentTask().attempt);
writeFileSync('pid-' + currentTask().attempt, String(process.pid));
`;
const FILES = {
  ...TRACE,
  // Ends when the gate opens, or when it is told to stop.
  'polite.ts': `${HEAD}\nawait appears('gate', currentTask().signal);\nconsole.log('through the gate');\n`,
  'busy.ts': `${HEAD}\nif (currentTask().attempt === 1) for (;;);\n`,
  'quick.ts': `console.log('done');\n`,
};
const traces = (it: Fleet): readonly string[] =>
  existsSync(it.files.path('trace.txt'))
    ? readFileSync(it.files.path('trace.txt'), 'utf8').trimEnd().split('\n')
    : [];
const workerOf = async (it: Fleet, attempt: number): Promise<number> => {
  const file = it.files.path(`pid-${attempt}`);
  await eventually(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return Number(readFileSync(file, 'utf8'));
};

test('stopped once, an agent takes nothing new and finishes what runs', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent(['--concurrency', '2']);
  const task = await it.enqueue('polite.ts');
  await workerOf(it, 1);
  agent.kill('SIGTERM');
  expect(await agent.told('agent.drain')).toEqual(expect.objectContaining({ running: 1 }));
  const later = await it.enqueue('quick.ts');
  // Who looks for an agent does not count on it any more.
  await until(it.project, async () => (await it.project.store.listAgents({ queue: 'default' })).length === 0);
  expect(await query(['agent', 'ls'], { cwd: it.files.directory })).toMatchObject([{ draining: true }]);
  it.files.write({ gate: '' });
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  expect(agent.about(task)).toEqual(['task.start', 'task.end']);
  expect(await it.ended(task)).toMatchObject({ status: 'completed', attempt: 1 });
  expect(await it.project.store.readTask(later)).toMatchObject({ status: 'queued' });
  expect(await it.project.store.listAgents()).toEqual([]);
});

test('an agent without work ends at once', async () => {
  const it = await fleet(FILES);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const agent = await it.agent();
    agent.kill(signal);
    expect(await agent.ended).toEqual({ code: 0, signal: null });
  }
});

test('what does not finish within the drain timeout is told to stop, and waits in its queue again', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent(['--drain-timeout', '50ms']);
  const tasks = [await it.enqueue('polite.ts'), await it.enqueue('busy.ts')];
  for (const task of tasks)
    await until(it.project, async () => (await stateOf(it, task))?.status === 'running');
  await eventually(() => traces(it).length === 2);
  agent.kill('SIGINT');
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  for (const task of tasks) {
    expect(agent.about(task)).toEqual(['task.start', 'task.release']);
    expect(await stateOf(it, task)).toMatchObject({
      status: 'queued',
      attempt: 2,
      lost: [{ attempt: 1, reason: 'its agent stopped, and it did not end in time' }],
    });
  }
  // Handed back is not lost: the next agent executes them, whichever attempt that is.
  it.files.write({ gate: '' });
  const next = await it.agent();
  for (const task of tasks)
    expect(await next.told('task.end', task)).toMatchObject({ status: 'completed', attempt: 2 });
});

test('stopped twice, an agent kills what runs, hands it back and ends', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent();
  const task = await it.enqueue('busy.ts');
  const worker = await workerOf(it, 1);
  agent.kill('SIGINT');
  await agent.told('agent.drain');
  agent.kill('SIGINT');
  expect(await agent.ended).toEqual({ code: 130, signal: null });
  expect(agent.about(task)).toEqual(['task.start', 'task.release']);
  expect(isWorker(worker)).toBe(false);
  expect(await stateOf(it, task)).toMatchObject({ status: 'queued', attempt: 2 });
  const next = await it.agent();
  expect(await next.told('task.end', task)).toMatchObject({ status: 'completed', attempt: 2 });
  expect(traces(it)).toEqual(['attempt 1', 'attempt 2']);
});

test('a running task is stopped on request: told first, then killed, and it is not executed again', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent();
  const tasks = [await it.enqueue('polite.ts'), await it.enqueue('busy.ts')];
  await eventually(() => traces(it).length === 2);
  for (const task of tasks)
    expect(
      await it.project.store.requestTaskStop(task, 1, { reason: 'stopped', message: 'not wanted' }),
    ).toBe(true);
  for (const task of tasks) {
    expect(await agent.told('task.end', task)).toMatchObject({
      status: 'aborted',
      error: { code: 'aborted', message: 'not wanted' },
    });
    expect(await it.ended(task)).toMatchObject({
      status: 'aborted',
      attempt: 1,
      error: { message: 'not wanted' },
    });
  }
  agent.kill('SIGTERM');
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  expect(traces(it)).toEqual(['attempt 1', 'attempt 1']);
});

const stateOf = async ({ project }: Fleet, task: Parameters<typeof project.store.readTask>[0]) =>
  (await project.store.readAttempts([task])).get(task);
