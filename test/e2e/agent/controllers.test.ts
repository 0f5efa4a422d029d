import { existsSync, readFileSync } from 'node:fs';
import type { RunEvent, RunId, TaskId } from '@run-pipeline/core/model';
import { foldEvents } from '@run-pipeline/core/run-view';
import { expect, test } from 'vitest';
import { fleet, until, type Fleet } from '../../rig/agents.js';
import { eventually, send, TIMEOUT_MS } from '../../rig/crash.js';
import { runPipeline, watchRun } from '../../rig/command.js';
import { JsonProcess } from '../../rig/json-process.js';
import { TRACE } from '../../rig/steps.js';

/** Three steps in a row; the second one waits for a gate the first time it is executed. */
const FILES = {
  ...TRACE,
  'pipe.ts': `
import { PipelineController, currentTask } from 'run-pipeline';
import { appears, trace } from './trace';
const HERE = process.env.TRACES!;
const one = (n: number): number => { process.chdir(HERE); trace('one'); return n + 1; };
const two = async (n: number): Promise<number> => {
  process.chdir(HERE);
  trace('two');
  await appears('gate', currentTask().signal);
  return n * 2;
};
const three = (n: number): number => { process.chdir(HERE); trace('three'); return n + 3; };
console.log('the file is evaluated');
export const pipe = new PipelineController({ name: 'rows', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addFunctionStep({ name: 'one', function: one, functionKwargs: { n: '$<pipeline.n>' } });
pipe.addFunctionStep({ name: 'two', function: two, functionKwargs: { n: '$<one.result>' } });
pipe.addFunctionStep({ name: 'three', function: three, functionKwargs: { n: '$<two.result>' } });
`,
};
const traces = (it: Fleet): readonly string[] =>
  existsSync(it.files.path('trace.txt'))
    ? readFileSync(it.files.path('trace.txt'), 'utf8').trimEnd().split('\n')
    : [];
const BOTH = ['--queue', 'default', 'services'] as const;

/** `--remote`, followed by a terminal of its own. */
function remote(it: Fleet, ...more: readonly string[]): JsonProcess<RunEvent> {
  return new JsonProcess<RunEvent>(['pipe.ts', '--remote', ...more], {
    cwd: it.files.directory,
    env: { TRACES: it.files.directory },
  });
}
async function runOf(it: Fleet): Promise<RunId> {
  const row = await until(it.project, async () => (await it.project.store.findRuns({ limit: 1 }))[0]);
  return row.id;
}
const asTask = (run: RunId): TaskId => run as string as TaskId;
async function verify(it: Fleet, run: RunId): Promise<void> {
  const view = foldEvents(await it.project.store.readEvents(run), run);
  expect(view.status).toBe('completed');
  expect([...view.steps.values()].map(({ name, status }) => [name, status])).toEqual([
    ['one', 'completed'],
    ['two', 'completed'],
    ['three', 'completed'],
  ]);
  const { stdout } = await runPipeline(['get', run, 'three.result'], { cwd: it.files.directory });
  expect(stdout.trim()).toBe('7');
  expect(traces(it).filter((word) => word === 'one')).toHaveLength(1);
  expect(traces(it).filter((word) => word === 'three')).toHaveLength(1);
}

test('one agent with one place executes a run and its steps', async () => {
  const it = await fleet(FILES);
  it.files.write({ gate: '' });
  const agent = await it.agent([...BOTH, '-c', '1'], { cwd: it.files.directory });
  const run = await watchRun(['pipe.ts', '--remote', '--queue', 'default'], { cwd: it.files.directory });
  expect(run).toMatchObject({ code: 0, by: { completed: ['one', 'three', 'two'] } });
  expect(run.ends['three']?.artifacts[0]?.preview).toBe('7');
  const kinds = agent.lines.flatMap((line) => (line.type === 'task.start' ? [line.kind] : []));
  expect(kinds).toEqual(['controller', 'step', 'step', 'step']);
  const id = await runOf(it);
  expect(await agent.told('task.end', asTask(id))).toMatchObject({
    kind: 'controller',
    status: 'completed',
    title: 'examples/rows',
  });
  expect(await it.console(asTask(id))).toBe('the file is evaluated\n');
  expect(await it.project.store.readTask(asTask(id))).toMatchObject({ status: 'completed', attempt: 1 });
});

test(
  'a controller whose agent is killed is continued by the next one: what has completed is not executed again',
  async () => {
    const it = await fleet(FILES);
    const first = await it.agent([...BOTH], { cwd: it.files.directory });
    const terminal = remote(it, '--queue', 'default');
    await eventually(() => traces(it).includes('two'));
    const run = await runOf(it);
    const attempt = (await it.project.store.readAttempts([asTask(run)])).get(asTask(run))!;
    expect(attempt).toMatchObject({ status: 'running', executor: { processGroup: expect.any(Number) } });
    // It is there already: a run that nobody serves goes on in the terminal that follows it.
    const second = await it.agent([...BOTH], { cwd: it.files.directory });
    first.kill('SIGKILL');
    await eventually(() => !send(attempt.executor!.pid, 0));
    expect(send(attempt.executor!.pid, 0)).toBe(false);
    it.files.write({ gate: '' });
    expect(await second.told('task.end', asTask(run))).toMatchObject({ status: 'completed', attempt: 2 });
    expect(await terminal.ended).toEqual({ code: 0, signal: null });
    await verify(it, run);
  },
  TIMEOUT_MS,
);

test(
  'an agent that is stopped twice hands its controller back, and the run goes on elsewhere',
  async () => {
    const it = await fleet(FILES);
    const first = await it.agent(['--queue', 'services'], { cwd: it.files.directory });
    const terminal = remote(it);
    await eventually(() => traces(it).includes('two'));
    const run = await runOf(it);
    const second = await it.agent(['--queue', 'services'], { cwd: it.files.directory });
    first.kill('SIGTERM');
    await first.told('agent.drain');
    first.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 143, signal: null });
    expect(first.about(asTask(run))).toEqual(['task.start', 'task.release']);
    it.files.write({ gate: '' });
    expect(await second.told('task.end', asTask(run))).toMatchObject({ status: 'completed', attempt: 2 });
    expect(await terminal.ended).toEqual({ code: 0, signal: null });
    await verify(it, run);
  },
  TIMEOUT_MS,
);

test(
  'an agent that was suspended past its lease loses its controller; the run is driven by one process at a time',
  async () => {
    const it = await fleet(FILES);
    const first = await it.agent(['--queue', 'services'], { cwd: it.files.directory });
    const terminal = remote(it);
    await eventually(() => traces(it).includes('two'));
    const run = await runOf(it);
    const { executor } = (await it.project.store.readAttempts([asTask(run)])).get(asTask(run))!;
    first.kill('SIGSTOP');
    it.files.write({ gate: '' });
    const second = await it.agent(['--queue', 'services'], { cwd: it.files.directory });
    expect(await second.told('task.end', asTask(run))).toMatchObject({ attempt: 2 });
    first.kill('SIGCONT');
    await first.told('task.lost', asTask(run));
    await eventually(() => !send(executor!.pid, 0));
    expect(send(executor!.pid, 0)).toBe(false);
    expect(await terminal.ended).toEqual({ code: 0, signal: null });
    await verify(it, run);
  },
  TIMEOUT_MS,
);

test('a run on an agent is stopped like any other', async () => {
  const it = await fleet(FILES);
  const agent = await it.agent([...BOTH], { cwd: it.files.directory });
  const terminal = remote(it, '--queue', 'default');
  await eventually(() => traces(it).includes('two'));
  const run = await runOf(it);
  const stopped = await runPipeline(['stop', run, '--reason', 'not wanted'], { cwd: it.files.directory });
  expect(stopped.code).toBe(0);
  expect(await agent.told('task.end', asTask(run))).toMatchObject({ status: 'aborted' });
  expect((await terminal.ended).code).toBe(1);
  expect(await it.project.store.getRun(run)).toMatchObject({ status: 'aborted' });
  expect(traces(it)).toEqual(['one', 'two']);
});

test('what was queued as a controller and is none fails with that reason', async () => {
  const it = await fleet({ 'script.ts': `console.log('never');\n` });
  const task = await it.enqueue('script.ts', { kind: 'controller', queue: 'services' });
  const agent = await it.agent(['--queue', 'services']);
  expect(await agent.told('task.end', task)).toMatchObject({
    status: 'failed',
    error: { code: 'no-controller' },
  });
  expect(await it.ended(task)).toMatchObject({ status: 'failed', error: { code: 'no-controller' } });
});
