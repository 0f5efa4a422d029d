import { expect, test } from 'vitest';
import { fleet, until, type AgentProcess } from '../../rig/agents.js';
import { query, runPipeline } from '../../rig/command.js';
import { TRACE } from '../../rig/steps.js';

const QUICK = { 'quick.ts': `console.log('done');\n` };
/** Tasks that this agent started, in order. */
const started = (agent: AgentProcess): readonly string[] =>
  agent.lines.flatMap((line) => (line.type === 'task.start' ? [line.task] : []));

test('of what waits the highest priority comes first, then what came first', async () => {
  const it = await fleet(QUICK);
  const ids: string[] = [];
  for (const priority of [0, 5, 0, 5, -1]) ids.push(await it.enqueue('quick.ts', { priority }));
  const agent = await it.agent(['--concurrency', '1', '--once']);
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  expect(started(agent)).toEqual([1, 3, 0, 2, 4].map((index) => ids[index]));
});

test.each([
  { flags: [], order: [2, 3, 0, 1], name: 'in the given order' },
  { flags: ['--order-fairness'], order: [2, 0, 3, 1], name: 'in turn' },
])('queues are served $name', async ({ flags, order }) => {
  const it = await fleet(QUICK);
  const ids: string[] = [];
  for (const queue of ['one', 'one', 'two', 'two']) ids.push(await it.enqueue('quick.ts', { queue }));
  const other = await it.enqueue('quick.ts', { queue: 'other' });
  const agent = await it.agent(['--queue', 'two', 'one', '-c', '1', '--once', ...flags]);
  expect(await agent.ended).toEqual({ code: 0, signal: null });
  expect(started(agent)).toEqual(order.map((index) => ids[index]));
  expect(await it.project.store.listQueued('other')).toMatchObject([{ task: other }]);
});

test('two agents share what waits; each task is executed once', async () => {
  const it = await fleet({
    ...TRACE,
    // The two that wait for each other run at once, hence on two agents of one place each.
    'left.ts': `import { meet } from './trace';\nprocess.chdir(process.env.TRACES!);\nawait meet('left', 'right');\n`,
    'right.ts': `import { meet } from './trace';\nprocess.chdir(process.env.TRACES!);\nawait meet('right', 'left');\n`,
  });
  const tasks = [await it.enqueue('left.ts'), await it.enqueue('right.ts')];
  const agents = [await it.agent(['-c', '1']), await it.agent(['-c', '1'])];
  for (const task of tasks) expect(await it.ended(task)).toMatchObject({ status: 'completed', attempt: 1 });
  for (const agent of agents) await agent.told('task.end');
  expect(agents.map((agent) => started(agent).length)).toEqual([1, 1]);
});

test('an agent works on as many tasks at once as it was told, and takes the next one when a place is free', async () => {
  const it = await fleet({
    ...TRACE,
    'wait.ts': `import { appears, trace } from './trace';\nprocess.chdir(process.env.TRACES!);\ntrace('up');\nawait appears('gate');\n`,
    ...QUICK,
  });
  const waiting = [await it.enqueue('wait.ts'), await it.enqueue('wait.ts')];
  const last = await it.enqueue('quick.ts');
  const agent = await it.agent(['--concurrency', '2']);
  for (const task of waiting) await agent.told('task.start', task);
  expect(await query(['queue', 'show', 'default'], { cwd: it.files.directory })).toMatchObject({
    name: 'default',
    waiting: 1,
    running: 2,
    agents: [expect.any(String)],
    jobs: [{ task: last, kind: 'task', attempt: 1, priority: 0, run: null, step: null }],
  });
  const shown = await runPipeline(['queue', 'show', 'default'], { cwd: it.files.directory });
  const record = await it.project.store.readTask(last);
  expect(shown.stdout).toMatch(new RegExp(`^  ${record?.project}/${record?.name} +task +.*${last}$`, 'm'));
  it.files.write({ gate: '' });
  expect(await agent.told('task.end', last)).toMatchObject({ status: 'completed' });
});

test('a queue that does not exist is an error that names the one that was meant, unless it is to be made', async () => {
  const it = await fleet({});
  const cwd = it.files.directory;
  const wrong = await runPipeline(['agent', '--queue', 'default', 'servces'], { cwd });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('there is no queue "servces" (did you mean "services"?)');
  expect(wrong.stderr).toContain('queues are default, services');
  const made = await runPipeline(['agent', '-q', 'gpu', '--create-queue', '--once'], { cwd });
  expect(made.code).toBe(0);
  expect((await it.project.store.listQueues()).map(({ name }) => name)).toEqual([
    'default',
    'gpu',
    'services',
  ]);
  for (const name of [' gpu', '', 'a\u0007b']) {
    const refused = await runPipeline(['queue', 'create', name], { cwd });
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('cannot be the name of a queue'),
    ]);
  }
});

test('queues are listed, made and cleared; a cleared task is a draft again', async () => {
  const it = await fleet(QUICK);
  const cwd = it.files.directory;
  expect(await query(['queue', 'create', 'gpu'], { cwd })).toEqual({ name: 'gpu', created: true });
  expect(await query(['queue', 'create', 'gpu'], { cwd })).toEqual({ name: 'gpu', created: false });
  const task = await it.enqueue('quick.ts', { queue: 'gpu' });
  const all = await query<readonly { name: string }[]>(['queue', 'ls'], { cwd });
  expect(all.find(({ name }) => name === 'gpu')).toEqual({
    name: 'gpu',
    waiting: 1,
    running: 0,
    agents: 0,
    oldest: expect.any(String),
    limits: {},
  });
  const shown = await runPipeline(['queue', 'ls'], { cwd });
  expect(shown.stdout).toMatch(/gpu +1 waiting, since just now +no agent serves it/);
  expect(await query(['queue', 'clear', 'gpu'], { cwd })).toEqual({ name: 'gpu', withdrawn: [task] });
  expect(await it.project.store.readTask(task)).toMatchObject({ status: 'created', attempt: 0 });
  for (const status of ['draft', 'created'])
    expect(await query(['task', 'ls', '--status', status], { cwd })).toMatchObject([
      { id: task, status: 'created' },
    ]);
  const unknown = await runPipeline(['queue', 'clear', 'gpuu'], { cwd });
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('did you mean "gpu"?')]);
  const elsewhere = await runPipeline(['queue', 'show', 'default'], {
    cwd,
    env: { RUN_PIPELINE_HOME: it.files.path('x') },
  });
  expect([elsewhere.code, elsewhere.stderr]).toEqual([
    2,
    expect.stringContaining('there are no queues here yet'),
  ]);
});

test('limits of a queue are set one by one, shown, and taken away', async () => {
  const it = await fleet(QUICK);
  const cwd = it.files.directory;
  const limit = (...words: string[]) => query(['queue', 'limit', ...words], { cwd });
  const rate = { max: 50, perMs: 600_000 };
  expect(await limit('default')).toEqual({ name: 'default', limits: {} });
  expect(await limit('default', '--concurrency', '2')).toEqual({
    name: 'default',
    limits: { concurrency: 2 },
  });
  expect(await limit('default', '--rate', '50/10m')).toEqual({
    name: 'default',
    limits: { concurrency: 2, rate },
  });
  expect((await runPipeline(['queue', 'ls'], { cwd })).stdout).toMatch(
    /^default +empty +at most 2 at once, 50\/10m +no agent$/m,
  );
  expect((await runPipeline(['queue', 'show', 'default'], { cwd })).stdout).toContain('at most 2 at once');
  expect(await query(['queue', 'show', 'default'], { cwd })).toMatchObject({
    limits: { concurrency: 2, rate },
  });
  const paused = await runPipeline(['queue', 'limit', 'default', '-c', '0', '--rate', 'none'], { cwd });
  expect(paused.stdout).toBe('the queue default is paused: nothing of it is begun\n');
  expect((await runPipeline(['queue', 'ls'], { cwd })).stdout).toMatch(/^default +empty +paused/m);
  const task = await it.enqueue('quick.ts');
  const refused = await runPipeline(['task', 'run', task], { cwd });
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('which is at its limit')]);
  expect(await limit('default', '--concurrency', 'none')).toEqual({ name: 'default', limits: {} });
  expect((await runPipeline(['task', 'run', task], { cwd })).code).toBe(0);
});

test.each([
  [['defalt', '--concurrency', '1'], 'there is no queue "defalt" (did you mean "default"?)'],
  [
    ['default', '--concurrency', '-1'],
    '--concurrency takes a whole number, 0 (paused) or none, but got "-1"',
  ],
  [['default', '--rate', '10'], '--rate takes a number for a time, or none, but got "10"'],
  [['default', '--rate', '0/s'], '--rate takes a number for a time, or none, but got "0/s"'],
  [['default', '--rate', '1/0s'], '--rate takes a number for a time, or none, but got "1/0s"'],
])('queue limit %j is refused', async (words, message) => {
  const { project, files } = await fleet({});
  const { code, stderr } = await runPipeline(['queue', 'limit', ...words], { cwd: files.directory });
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect((await project.store.listQueues()).map(({ limits }) => limits)).toEqual([{}, {}]);
});

test('what a task needs stays with it until somebody says otherwise', async () => {
  const it = await fleet(QUICK);
  const cwd = it.files.directory;
  const task = await it.record('quick.ts');
  const enqueue = async (...words: string[]): Promise<unknown> => {
    await query(['task', 'enqueue', task, ...words], { cwd });
    const { resources } = await query<{ resources: unknown }>(['task', 'show', task], { cwd });
    await query(['queue', 'clear', 'default'], { cwd });
    return resources;
  };
  expect(await enqueue('--resources', 'gpu=1,ram=0.5')).toEqual({ gpu: 1, ram: 0.5 });
  expect(await enqueue()).toEqual({ gpu: 1, ram: 0.5 });
  expect(await enqueue('--resources', 'none')).toEqual({});
  for (const text of ['gpu', 'gpu=-1', 'gpu=1,gpu=2']) {
    const wrong = await runPipeline(['task', 'enqueue', task, '--resources', text], { cwd });
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('--resources takes amounts such as gpu=1,ram=16'),
    ]);
  }
});

test('agents are listed with what they serve and run', async () => {
  const it = await fleet({
    ...TRACE,
    'wait.ts': `import { appears } from './trace';\nprocess.chdir(process.env.TRACES!);\nawait appears('gate');\n`,
  });
  const cwd = it.files.directory;
  expect(await query(['agent', 'ls'], { cwd })).toEqual([]);
  const agent = await it.agent(['--queue', 'services', 'default', '-c', '3']);
  const task = await it.enqueue('wait.ts');
  await agent.told('task.start', task);
  // It says so a moment later.
  await until(it.project, async () => (await it.project.store.listAgents())[0]?.running.length === 1);
  const [row, ...others] = await query<readonly object[]>(['agent', 'ls'], { cwd });
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    id: expect.stringContaining(`:${agent.pid}-`),
    pid: agent.pid,
    queues: ['services', 'default'],
    concurrency: 3,
    running: [task],
    draining: false,
  });
  const listed = await runPipeline(['agent', 'ls'], { cwd });
  expect(await query(['agent', 'ls'], { cwd })).toMatchObject([{ resources: { cpu: expect.any(Number) } }]);
  expect(listed.stdout).toMatch(/services, default +1 of 3: fleet\/wait\.ts +cpu=\d+ +since just now/);
  it.files.write({ gate: '' });
  await agent.told('task.end', task);
});
