import { join } from 'node:path';
import type { TaskId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { fleet, until, type Fleet } from '../../rig/agents.js';
import { userEnvironment, watchRun } from '../../rig/command.js';
import { eventually } from '../../rig/crash.js';
import { repository } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';
import {
  agentHere,
  appeared,
  at,
  isController,
  onlyRun,
  openGate,
  registerIdle,
  Terminal,
  traces,
} from './rig.js';
import { processIdentity, settleController, startController } from '../../rig/engine.js';

const FILES = {
  ...TRACE,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { appears, trace } from './trace.js';
export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addFunctionStep({ name: 'first', function: () => { trace('first'); return 1; } });
pipe.addFunctionStep({
  name: 'second',
  function: async (n: number) => { trace('second'); await appears('gate'); return n; },
  functionKwargs: { n: '$<first.result>' },
});
`,
};

test('an agent that sleeps loses its run to the next one, and its process of the controller with it', async () => {
  const it = await fleet(FILES);
  const sleeper = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  const { id, owner } = await onlyRun(it);
  process.kill(sleeper.pid, 'SIGSTOP');
  const next = await agentHere(it, '--queue', 'services');
  await next.told('task.start', id as never);
  await terminal.event('run.resume');
  // It was awake, had a valid lease of its run, and is not asked.
  await eventually(() => !isController(owner.pid));
  expect(isController(owner.pid)).toBe(false);
  process.kill(sleeper.pid, 'SIGCONT');
  await sleeper.told('task.lost', id as never);
  openGate(it);
  expect(await terminal.ended).toMatchObject({ code: 0 });
  expect(traces(it)).toEqual(['first', 'second', 'second']);
  expect(await it.project.store.readTask(id as never)).toMatchObject({ status: 'completed', attempt: 2 });
});

/** A run that waits, claimed twice: the first claim is old. */
async function claimedTwice(it: Fleet, file = 'pipe.ts') {
  await registerIdle(it, 600_000);
  const terminal = new Terminal(it, [file, '--remote']);
  const { store } = it.project;
  const { id } = await until(it.project, async () => (await store.findRuns({}))[0]);
  const task = id as string as TaskId;
  const claim = async (attempt: number): Promise<number> => {
    const executor = processIdentity();
    const claimed = await store.claimQueued({ task, attempt, executor, agent: 'idle', leaseMs: 600_000 });
    if (!claimed.ok) throw new Error('nobody else claims it');
    return claimed.fence;
  };
  const old = await claim(1);
  await store.releaseTask(task, old, 'the test wants it again');
  return { terminal, task, run: id, old, fence: await claim(2) };
}

const controller = (it: Fleet, task: TaskId, fence: number) =>
  startController({
    task,
    fence,
    leaseMs: 600_000,
    cwd: it.files.directory,
    env: userEnvironment({ RUN_PIPELINE_HOME: it.project.home }),
    concurrency: undefined,
    graceMs: 500,
    onOutput: () => {},
    file: join(repository, 'packages/runtime/dist/controller.js'),
  });

test('the process of an old claim takes nothing from anybody, whatever it meets', async () => {
  const it = await fleet(FILES);
  const { task, run, old, fence } = await claimedTwice(it);
  const { project } = it;
  const end = await controller(it, task, old).ended;
  expect(end).toMatchObject({ type: 'lost' });
  expect(await settleController({ project, task, fence: old, end, stopped: undefined })).toBe('lost');
  expect(await project.store.getRun(run)).toMatchObject({ epoch: 1, status: 'queued' });
  // Nor does an agent of an old claim whose process died, or was to be stopped.
  const died = { type: 'died', code: 1, signal: null } as const;
  expect(await settleController({ project, task, fence: old, end: died, stopped: 'late' })).toBe('lost');
  expect(await project.store.getRun(run)).toMatchObject({ epoch: 1, status: 'queued' });
  openGate(it);
  const good = await controller(it, task, fence).ended;
  expect(await settleController({ project, task, fence, end: good, stopped: undefined })).toBe('completed');
  expect(await watchRun(['follow', run], at(it))).toMatchObject({ code: 0 });
});

test('asked to stop, the process ends its run', async () => {
  const it = await fleet(FILES);
  const { terminal, task, fence, run } = await claimedTwice(it);
  const process = controller(it, task, fence);
  await terminal.event('step.start', 'second');
  process.stop('enough');
  const end = await process.ended;
  expect(end).toMatchObject({ type: 'ended', status: 'aborted' });
  const { project } = it;
  expect(await settleController({ project, task, fence, end, stopped: 'enough' })).toBe('aborted');
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(await project.store.getRun(run)).toMatchObject({ status: 'aborted' });
});

test('a process that does not end when it is asked to is killed, and its run ends all the same', async () => {
  const it = await fleet({
    ...FILES,
    'busy.ts': `
import { writeFileSync } from 'node:fs';
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'busy', project: 'examples' });
pipe.addFunctionStep({
  name: 'one',
  function: () => 1,
  preExecuteCallback: () => { writeFileSync('pid', String(process.pid)); for (;;); },
});
`,
  });
  const { terminal, task, fence, run } = await claimedTwice(it, 'busy.ts');
  const process = controller(it, task, fence);
  expect(await appeared(it, 'pid')).toBe(process.identity.pid);
  process.stop('enough');
  const end = await process.ended;
  expect(end).toEqual({ type: 'died', code: null, signal: 'SIGKILL' });
  const { project } = it;
  expect(await settleController({ project, task, fence, end, stopped: 'enough' })).toBe('aborted');
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines.at(-1)).toMatchObject({ status: 'aborted', error: { message: 'enough' } });
  expect(await project.store.getRun(run)).toMatchObject({ status: 'aborted' });
});
