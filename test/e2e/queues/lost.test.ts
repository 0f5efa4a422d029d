import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually, isWorker } from '../../rig/crash.js';
import { send } from '../../rig/json-process.js';
import { queueRig, type QueueRig } from './rig.js';

/** Agents that die while they execute steps of a run. */
const FILES = {
  'pipe.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { readFileSync } from 'node:fs';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'lost', queue: 'default' })
export class Lost {
  @Step() async work(): Promise<number> {
    const { attempt } = currentTask();
    let before = '';
    if (attempt > 1) {
      const pid = readFileSync(process.env.TRACES + '/pid-' + (attempt - 1), 'utf8');
      try { before = readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('worker.js') ? ' beside another' : ' alone'; } catch { before = ' alone'; }
    }
    trace('attempt ' + attempt + before);
    console.log('attempt ' + attempt);
    leave('pid-' + attempt);
    if (attempt === 1) for (;;);
    return attempt;
  }
  @Step({ inputs: ['$<work.result>'] }) after(n: number): number { return n * 10; }
}
`,
  'deadly.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'deadly', queue: 'default' })
export class Deadly {
  @Step() async kills(): Promise<number> { trace('kills ' + currentTask().attempt); process.kill(process.ppid, 'SIGKILL'); for (;;); }
}
`,
  'sleeps.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { appears, leave, trace } from './trace';
@Pipeline({ name: 'sleeps', queue: 'default' })
export class Sleeps {
  @Step() async work(): Promise<string> {
    const { attempt } = currentTask();
    leave('attempt-' + attempt);
    if (attempt === 1) await appears('gate');
    trace('attempt ' + attempt);
    return 'of attempt ' + attempt;
  }
}
`,
};

async function workerOf(it: QueueRig, attempt: number): Promise<number> {
  const file = it.files.path(`pid-${attempt}`);
  await eventually(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return Number(readFileSync(file, 'utf8'));
}

test('an agent that is killed in mid-step: another one executes the step, once more and no more', async () => {
  const it = await queueRig(FILES);
  const first = await it.agent();
  const run = it.run(['pipe.ts']);
  const worker = await workerOf(it, 1);
  await run.told('step.log', 'work');
  await it.agent();
  first.kill('SIGKILL');
  const { code, ends } = await run.result();
  expect(code).toBe(0);
  // No retry of the step's own was asked for: that its agent died is none.
  expect(run.words('work')).toEqual([
    'queue 1',
    'start 1 on agent',
    'retry 1 agent-lost',
    'queue 2',
    'start 2 on agent',
    'end completed 2',
  ]);
  expect(await run.told('step.retry')).toMatchObject({
    error: { message: expect.stringContaining('was not heard of for longer than its lease') as string },
  });
  expect(it.traces()).toEqual(['attempt 1', 'attempt 2 alone']);
  expect(ends['after']).toMatchObject({ artifacts: [{ preview: '20' }] });
  const logs = run.lines.flatMap((event) => (event.type === 'step.log' ? [[event.attempt, event.text]] : []));
  expect(logs).toEqual([
    [1, 'attempt 1\n'],
    [2, 'attempt 2\n'],
  ]);
  expect(isWorker(worker)).toBe(false);
});

test('the only agent is killed in mid-step: the run says so and executes the step itself', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent();
  const run = it.run(['pipe.ts']);
  await workerOf(it, 1);
  await run.told('step.log', 'work');
  agent.kill('SIGKILL');
  expect((await run.result()).code).toBe(0);
  expect(run.words('work')).toEqual([
    'queue 1',
    'start 1 on agent',
    'retry 1 agent-lost',
    'queue 2',
    'start 2',
    'end completed 2',
  ]);
  expect(run.words('after')).toEqual(['start 1', 'end completed 1']);
  expect(run.stderr.match(/no agent serves queue "default"/g)).toHaveLength(1);
  expect(it.traces()).toEqual(['attempt 1', 'attempt 2 alone']);
});

test('a step that takes three agents with it fails with that reason, and is not executed here', async () => {
  const it = await queueRig(FILES);
  const agents = await Promise.all(Array.from({ length: 4 }, () => it.agent()));
  const run = it.run(['deadly.ts']);
  const { code, ends } = await run.result();
  expect(code).toBe(1);
  expect(ends['kills']).toMatchObject({
    status: 'failed',
    attempt: 3,
    error: { code: 'agent-lost', message: expect.stringContaining('lost 3 times') as string },
  });
  expect(it.traces()).toEqual(['kills 1', 'kills 2', 'kills 3']);
  const ended = await Promise.all(agents.map(({ ended }) => Promise.race([ended, undefined])));
  expect(ended.filter((end) => end !== undefined)).toHaveLength(3);
});

test('an agent that sleeps past its lease: what it says later is refused, the run has the other attempt', async () => {
  const it = await queueRig(FILES);
  const agent = await it.agent();
  const run = it.run(['sleeps.ts']);
  await eventually(() => existsSync(it.files.path('attempt-1')));
  await run.told('step.start', 'work', 1);
  agent.kill('SIGSTOP');
  await it.agent();
  await run.told('step.start', 'work', 2);
  it.open('gate');
  send(agent.pid, 'SIGCONT');
  const { code, ends } = await run.result();
  expect(code).toBe(0);
  expect(ends['work']).toMatchObject({ attempt: 2, artifacts: [{ preview: '"of attempt 2"' }] });
  expect(run.words('work')).toEqual([
    'queue 1',
    'start 1 on agent',
    'retry 1 agent-lost',
    'queue 2',
    'start 2 on agent',
    'end completed 2',
  ]);
});

test('an agent that ends hands back what it cannot finish: the next one has it', async () => {
  const it = await queueRig(FILES);
  const first = await it.agent(['--drain-timeout', '100ms']);
  const run = it.run(['sleeps.ts']);
  await eventually(() => existsSync(it.files.path('attempt-1')));
  await run.told('step.start', 'work', 1);
  await it.agent();
  first.kill('SIGTERM');
  expect((await run.result()).code).toBe(0);
  expect(run.words('work')).toEqual([
    'queue 1',
    'start 1 on agent',
    'retry 1 agent-lost',
    'queue 2',
    'start 2 on agent',
    'end completed 2',
  ]);
  expect(it.traces()).toEqual(['attempt 2']);
});
