import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runId } from '@run-pipeline/core/model';
import type {
  ActionResult,
  RerunPreview,
  RunForm,
  RunList,
  RunSnapshot,
  RunStarted,
  TaskDetails,
  TaskEnqueued,
  TaskList,
} from '@run-pipeline/core/wire';
import { runPipeline, watchRun } from '../rig/command.js';
import { Controller, send } from '../rig/crash.js';
import { PageServer } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { newTaskId, openSqliteStore, processIdentity } from '../rig/engine.js';

const PIPELINE = {
  ...TRACE,
  'pipe.ts': `
import { Pipeline, Parameter, Step, currentTask } from 'run-pipeline';
import { appears, trace } from './trace.ts';

@Pipeline({ name: 'acts', project: 'examples', cache: true })
export class Acts {
  @Parameter({ description: 'How fast it learns' }) lr = 0.1;
  @Parameter({ type: 'integer' }) depth!: number;
  @Parameter() tags = ['a', 'b'];
  @Parameter({ type: 'file' }) data = 'data.csv';
  @Parameter() wait = false;

  @Step({ inputs: ['$<pipeline.depth>'], returns: ['rows'] })
  load(depth: number): number[] {
    trace('load');
    return Array.from({ length: depth }, (_, i) => i);
  }
  @Step({ inputs: ['$<load.rows>', '$<pipeline.lr>', '$<pipeline.wait>'], returns: ['model'] })
  async fit(rows: number[], lr: number, wait: boolean): Promise<number> {
    trace('fit ' + lr);
    if (wait) await appears('go', currentTask().signal);
    if (lr > 1) throw new Error('too fast');
    return rows.length * lr;
  }
}
`,
  'data.csv': 'a\n1\n',
};

const traced = (project: Scratch): readonly string[] =>
  readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n');

async function ended(server: PageServer, run: string): Promise<RunSnapshot> {
  const stream = server.stream(`runs=${run}:-1`);
  await stream.until(
    (message) => message.type === 'events' && message.events.some(({ type }) => type === 'run.end'),
  );
  stream.close();
  return server.get(`/api/runs/${run}`);
}

interface Launched {
  readonly project: Scratch;
  readonly server: PageServer;
  readonly run: string;
}

async function launch(keep: boolean): Promise<Launched> {
  const project = scratch(PIPELINE, { keep });
  const { events, stderr } = await watchRun(['pipe.ts', '--param', 'depth=3'], { cwd: project.directory });
  expect(stderr).not.toContain('✖');
  const server = await PageServer.start({ cwd: project.directory, keep });
  return { project, server, run: events[0]!.run };
}
const launched = (): Promise<Launched> => launch(false);

/** Of tests that make no run: each finds the files as they were. */
let shared: Launched;
beforeAll(async () => {
  shared = await launch(true);
}, 60_000);
afterEach(() => shared.project.write(PIPELINE));
afterAll(async () => {
  shared.server.child.kill('SIGKILL');
  await shared.server.ended;
  rmSync(shared.project.directory, { recursive: true, force: true, maxRetries: 5 });
});

test('the form for another run has the parameters as the file declares them now, with the values of the run', async () => {
  const { project, server, run } = shared;
  const form = (): Promise<RunForm> => server.get(`/api/runs/${run}/form`);
  expect(await form()).toEqual({
    file: 'pipe.ts',
    possible: true,
    kind: 'class',
    parameters: [
      {
        name: 'lr',
        type: 'number',
        description: 'How fast it learns',
        required: false,
        schema: false,
        default: '0.1',
        value: '0.1',
      },
      { name: 'depth', type: 'integer', required: true, schema: false, value: '3' },
      {
        name: 'tags',
        type: 'json',
        required: false,
        schema: false,
        default: '["a","b"]',
        value: '["a","b"]',
      },
      {
        name: 'data',
        type: 'file',
        required: false,
        schema: false,
        default: 'data.csv',
        value: project.path('data.csv'),
      },
      { name: 'wait', type: 'boolean', required: false, schema: false, default: 'false', value: 'false' },
    ],
    steps: ['load', 'fit'],
  });
  project.write({ 'pipe.ts': 'export const nothing = 1;\n' });
  expect(await form()).toMatchObject({ possible: false, reason: expect.stringContaining('has no pipeline') });
  project.write({ 'pipe.ts': 'throw new Error("at the top");\n' });
  expect(await form()).toMatchObject({ possible: false, reason: expect.stringContaining('at the top') });
  project.write({ 'pipe.ts': 'process.exit(3);\n' });
  expect(await form()).toMatchObject({
    possible: false,
    reason: expect.stringContaining('did not come to an end'),
  });
  project.write({
    'pipe.ts': 'setTimeout(() => { throw new Error("later"); }, 1); await new Promise(() => {});\n',
  });
  expect(await form()).toMatchObject({ possible: false, reason: expect.stringContaining('later') });
});

/** A file that says which process evaluates it, and keeps that busy for ever. */
const ENDLESS = `
import { writeFileSync } from 'node:fs';
writeFileSync('evaluated-by', String(process.pid));
for (;;);
`;

async function evaluatedBy(project: Scratch): Promise<number> {
  for (;;) {
    const text = existsSync(project.path('evaluated-by'))
      ? readFileSync(project.path('evaluated-by'), 'utf8')
      : '';
    if (text !== '') return Number(text);
    await new Promise((next) => setTimeout(next, 20));
  }
}

async function gone(pid: number): Promise<void> {
  while (send(pid, 0)) await new Promise((next) => setTimeout(next, 20));
}

test('who does not wait for an answer leaves no process behind', async () => {
  const { project, server, run } = shared;
  project.write({ 'pipe.ts': ENDLESS });
  const question = request({
    host: '127.0.0.1',
    port: server.port,
    path: `/api/runs/${run}/form`,
    headers: { authorization: `Bearer ${server.token}` },
    agent: false,
  });
  question.on('error', () => undefined);
  question.end();
  const pid = await evaluatedBy(project);
  question.destroy();
  await gone(pid);
});

test('a process that evaluates a file ends with the server, also when both are busy or killed', async () => {
  const { project, server, run } = await launched();
  project.write({ 'pipe.ts': ENDLESS });
  server.get(`/api/runs/${run}/form`).catch(() => undefined);
  const pid = await evaluatedBy(project);
  server.child.kill('SIGKILL');
  await gone(pid);
});

test('a preview says what would be cached, and the equal command; mistakes name their parameter', async () => {
  const { project, server, run } = shared;
  const preview = (body: object): Promise<RerunPreview> => server.post(`/api/runs/${run}/preview`, body);
  expect(await preview({ parameters: { lr: '0.2', tags: '["it\'s"]' } })).toEqual({
    steps: [
      { name: 'load', action: 'cached', reasons: [], from: run },
      { name: 'fit', action: 'run', reasons: [expect.stringContaining('0.1 -> 0.2')] },
    ],
    notes: [],
    problems: [],
    command: `npx run-pipeline rerun ${run} --param=lr=0.2 '--param=tags=["it'\\''s"]'`,
  });
  expect((await preview({ parameters: {}, refresh: ['load'] })).steps.map(({ action }) => action)).toEqual([
    'run',
    'depends',
  ]);
  expect((await preview({ parameters: {}, cache: false })).steps.map(({ action }) => action)).toEqual([
    'run',
    'depends',
  ]);
  expect(
    (await preview({ parameters: {}, selection: { only: 'load' } })).steps.map(({ name }) => name),
  ).toEqual(['load']);
  const wrong = await preview({ parameters: { depth: 'x', nope: '1' } });
  expect(wrong.steps).toEqual([]);
  expect(wrong.problems).toEqual([
    { parameter: 'nope', message: expect.stringContaining('no parameter') },
    { parameter: 'depth', message: expect.stringContaining('an integer') },
  ]);
  expect((await preview({ parameters: {}, selection: { from: 'nope' } })).problems).toEqual([
    { message: expect.stringContaining('nope') },
  ]);
  expect(traced(project)).toEqual(['load', 'fit 0.1']);
  expect((await server.get<RunList>('/api/runs')).total).toBe(1);
});

test('a rerun is a process of its own, with the values of the run and those that were given', async () => {
  const { project, server, run } = await launched();
  const started = await server.post<RunStarted>(`/api/runs/${run}/rerun`, {
    parameters: { lr: '0.5', wait: 'true' },
  });
  const before = await server.get<RunSnapshot>(`/api/runs/${started.run}`);
  expect(before.item).toMatchObject({ number: 2, parent: run });
  // It is told as soon as it is there, which may be a moment before its first event.
  expect(['queued', 'running']).toContain(before.item.status);
  expect(before.pid).not.toBe(server.child.pid);
  // It survives the server that started it.
  server.child.kill('SIGKILL');
  await server.ended;
  project.write({ go: '' });
  const again = await PageServer.start({ cwd: project.directory });
  const { view, item } = await ended(again, started.run);
  expect(item).toMatchObject({
    status: 'completed',
    counts: { cached: 1, completed: 1 },
    parameters: { lr: 0.5, depth: 3, tags: ['a', 'b'], data: project.path('data.csv'), wait: true },
  });
  expect(view.steps.map(({ name, status }) => [name, status])).toEqual([
    ['load', 'cached'],
    ['fit', 'completed'],
  ]);
  expect(
    readdirSync(project.path('.run-pipeline', 'tmp')).filter((name) => name.startsWith('page-')),
  ).toEqual([]);
});

test('relative paths mean what they meant where the run was started', async () => {
  const project = scratch({ ...PIPELINE, 'below/data.csv': 'other\n' });
  const { events } = await watchRun(['../pipe.ts', '--param', 'depth=1', '--param', 'data=data.csv'], {
    cwd: project.path('below'),
  });
  const server = await PageServer.start({ cwd: project.directory });
  const { run } = await server.post<RunStarted>(`/api/runs/${events[0]!.run}/rerun`, {
    parameters: { data: './data.csv' },
  });
  await ended(server, run);
  const { parameters } = await server.get<RunForm>(`/api/runs/${run}/form`);
  expect(parameters.find(({ name }) => name === 'data')!.value).toBe(project.path('below', 'data.csv'));
});

test('what cannot run is refused with the reason, and makes no run', async () => {
  const { project, server, run } = shared;
  const refused = (body: object) =>
    server.refused('POST', `/api/runs/${run}/rerun`, { body: JSON.stringify(body) });
  expect(await refused({ parameters: { depth: 'x' } })).toMatchObject({
    status: 409,
    code: 'invalid-parameters',
  });
  expect((await refused({ parameters: { lr: 5 } })).code).toBe('bad-request');
  expect((await refused({ parameters: {}, refresh: 'some' })).code).toBe('bad-request');
  expect((await refused({ parameters: {}, selection: { until: 'x' } })).code).toBe('bad-request');
  project.write({ 'pipe.ts': 'export const x: number = ;\n' });
  const broken = await refused({ parameters: { depth: '3' } });
  expect(broken).toMatchObject({ status: 409, code: 'cannot-run' });
  expect(broken.message.length).toBeGreaterThan(10);
});

test('a failed run is resumed by a process of its own; one that goes on or has completed is not', async () => {
  const project = scratch(PIPELINE);
  const failed = await watchRun(['pipe.ts', '--param', 'depth=2', '--param', 'lr=7'], {
    cwd: project.directory,
  });
  const run = failed.events[0]!.run;
  const server = await PageServer.start({ cwd: project.directory });
  expect(await server.post(`/api/runs/${run}/resume`, {})).toEqual({ run });
  await ended(server, run);
  const stream = server.stream(`runs=${run}:${failed.events.at(-1)!.seq}`);
  await stream.until(
    (message) => message.type === 'events' && message.events.some(({ type }) => type === 'run.end'),
  );
  expect(traced(project)).toEqual(['load', 'fit 7', 'fit 7']);
  const done = await watchRun(['pipe.ts', '--param', 'depth=2'], { cwd: project.directory });
  expect(
    await server.refused('POST', `/api/runs/${done.events[0]!.run}/resume`, { body: '{}' }),
  ).toMatchObject({
    status: 409,
    code: 'already-completed',
  });
  const goesOn = new Controller(['pipe.ts', '--param', 'depth=9', '--param', 'wait=true'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_GRACE_MS: '200' },
  });
  const first = await goesOn.printed(({ type }) => type === 'run.start');
  expect(await server.refused('POST', `/api/runs/${first!.run}/resume`, { body: '{}' })).toMatchObject({
    code: 'already-running',
  });
  expect(await server.post(`/api/runs/${first!.run}/abort`, { reason: 'changed my mind' })).toMatchObject({
    done: true,
  });
  expect((await ended(server, first!.run)).view).toMatchObject({
    status: 'aborted',
    error: { message: expect.stringContaining('changed my mind') },
  });
  await goesOn.ended;
  expect(await server.post(`/api/runs/${first!.run}/abort`, {})).toEqual({
    done: false,
    message: 'it is not running: it was aborted before',
  });
});

test('a run whose package is gone cannot be resumed, and says why', async () => {
  const project = scratch(PIPELINE);
  const failed = await watchRun(['pipe.ts', '--param', 'depth=2', '--param', 'lr=7'], {
    cwd: project.directory,
  });
  const run = failed.events[0]!.run;
  const packages = project.path('.run-pipeline', 'packages');
  for (const name of readdirSync(packages))
    if (name.endsWith('.mjs')) project.write({ [`.run-pipeline/packages/${name}`]: '' });
  const server = await PageServer.start({ cwd: project.directory });
  const refused = await server.refused('POST', `/api/runs/${run}/resume`, { body: '{}' });
  expect(refused).toMatchObject({ status: 409, code: 'not-started' });
  expect(refused.message).toMatch(/the task package sha256:\w+ of this run is missing or damaged/);
  expect(refused.help).toContain('run-pipeline rerun');
});

test('what the command line says before there is a run is the answer', async () => {
  const { project, server, run } = await launched();
  // The configuration breaks after the server has read it.
  project.write({ 'run-pipeline.config.ts': 'export default { store: 5 };\n' });
  const refused = await server.refused('POST', `/api/runs/${run}/resume`, { body: '{}' });
  expect(refused.code).toBe('already-completed');
  const failed = await server.refused('POST', `/api/runs/${run}/rerun`, { body: '{"parameters":{}}' });
  expect(failed.message).toContain('`store` must be a text');
});

test('the cached result of a step is forgotten: the next run executes it', async () => {
  const { project, server, run } = await launched();
  const refresh = (step: string): Promise<ActionResult> => server.post('/api/cache/refresh', { run, step });
  expect(await refresh('load')).toMatchObject({ done: true });
  expect(await refresh('load')).toMatchObject({ done: false });
  expect(
    (await server.refused('POST', '/api/cache/refresh', { body: JSON.stringify({ run, step: '__proto__' }) }))
      .code,
  ).toBe('unknown-step');
  const again = await watchRun(['pipe.ts', '--param', 'depth=3'], { cwd: project.directory });
  expect(again.by).toEqual({ completed: ['load'], cached: ['fit'] });
});

test('a run that waits for an agent is shown as queued, and taken out of its queue', async () => {
  const project = scratch(PIPELINE);
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  // An agent that serves the queue and takes nothing.
  await store.registerAgent({
    id: 'test:1:a',
    identity: processIdentity(),
    queues: ['services'],
    concurrency: 1,
    resources: {},
    leaseMs: 60_000,
    version: '0.0.0',
  });
  const controller = new Controller(['pipe.ts', '--param', 'depth=3', '--remote'], {
    cwd: project.directory,
    env: {},
  });
  const server = await PageServer.start({ cwd: project.directory });
  const stream = server.stream('list=1');
  const queued = await stream.until(
    (message) => message.type === 'runs' && message.changed[0]?.status === 'queued',
  );
  const line = queued.type === 'runs' ? queued.changed[0]! : undefined;
  expect(line).toMatchObject({ status: 'queued', queue: 'services' });
  expect(await server.get('/api/queues/services')).toMatchObject({
    queue: { name: 'services', waiting: 1, agents: 1 },
    jobs: [{ kind: 'controller', task: line!.id }],
    agents: ['test:1:a'],
  });
  expect(await server.get('/api/agents')).toMatchObject({ agents: [{ id: 'test:1:a', pid: process.pid }] });
  expect(await server.post(`/api/runs/${line!.id}/abort`, {})).toMatchObject({ done: true });
  expect((await ended(server, line!.id)).view.status).toBe('aborted');
  await controller.ended;
  await store.close();
});

test('tasks are listed, cloned, enqueued and aborted', async () => {
  const project = scratch({});
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  const id = newTaskId();
  const diff = { hash: `sha256:${'1'.repeat(64)}` as never, bytes: Buffer.from('a diff') };
  await store.createTask({
    id,
    project: 'examples',
    name: '<b>stage</b> data',
    type: 'data_processing',
    edit: {
      tags: ['nightly'],
      comment: 'how it is staged',
      script: {
        file: 'stage.ts',
        package: `sha256:${'2'.repeat(64)}` as never,
        dependencies: {},
        node: '20.0.0',
        git: { commit: 'a'.repeat(40), dirty: true, diff: diff.hash },
      },
      parameters: { General: { size: { json: 5 }, __proto__x: { json: 'text' } } },
      configurations: { model: { json: { layers: [1, 2] } } },
    },
    values: [diff],
  });
  const server = await PageServer.start({ cwd: project.directory });
  const stream = server.stream('fleet=1');
  await stream.until(({ type }) => type === 'hello');
  const list = (q: string): Promise<TaskList> =>
    server.get(`/api/tasks?${new URLSearchParams({ q }).toString()}`);
  expect((await list('')).tasks).toMatchObject([
    {
      id,
      name: '<b>stage</b> data',
      parameters: [
        { section: 'General', name: 'size', value: '5' },
        { section: 'General', name: '__proto__x', value: 'text' },
      ],
      configurations: [{ name: 'model', value: '{"layers":[1,2]}' }],
    },
  ]);
  for (const [q, count] of [
    ['status:created', 1],
    ['status:running', 0],
    ['tag:nightly project:examples type:data_processing', 1],
    ['tag:other', 0],
    ['stage', 1],
    ['nothing', 0],
  ] as const)
    expect([q, (await list(q)).tasks.length]).toEqual([q, count]);

  const clone = await server.post<TaskEnqueued>(`/api/tasks/${id}/clone`, {});
  const cloned = await server.get<TaskDetails>(`/api/tasks/${clone.task}`);
  expect(cloned.task).toMatchObject({
    name: 'Clone of <b>stage</b> data',
    status: 'created',
    parent: id,
    tags: ['nightly'],
  });
  expect((await server.get<TaskDetails>(`/api/tasks/${id}`)).children).toMatchObject([{ id: clone.task }]);
  // Kept alive by the clone itself.
  expect(await store.pinned([diff.hash])).toEqual(new Set([diff.hash]));

  const enqueued = await server.post<TaskEnqueued>(`/api/tasks/${clone.task}/enqueue`, {
    queue: 'gpu',
    priority: 3,
  });
  expect(enqueued.notice).toContain('run-pipeline agent --queue gpu');
  await stream.until(({ type }) => type === 'fleet');
  expect(await server.get('/api/queues/gpu')).toMatchObject({
    jobs: [{ task: clone.task, priority: 3, kind: 'task' }],
  });
  expect(await server.refused('POST', `/api/tasks/${clone.task}/enqueue`, { body: '{}' })).toMatchObject({
    status: 409,
    code: 'task-status',
  });
  expect(
    (await server.refused('POST', `/api/tasks/${id}/enqueue`, { body: '{"queue":"a\\nb"}' })).status,
  ).toBe(409);
  expect(await server.post(`/api/tasks/${clone.task}/abort`, {})).toMatchObject({ done: true });
  expect((await server.get<TaskDetails>(`/api/tasks/${clone.task}`)).task.status).toBe('aborted');
  expect(await server.post(`/api/tasks/${clone.task}/abort`, {})).toMatchObject({ done: false });
  await store.close();
});

test('the console and the reports of a task are shown while it runs', async () => {
  const project = scratch({});
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  const id = newTaskId();
  await store.createTask({ id, project: 'p', name: 'by hand', type: 'training', edit: {} });
  const started = await store.startTask({ task: id, executor: processIdentity(), leaseMs: 60_000 });
  if (!started.ok) throw new Error('not started');
  const server = await PageServer.start({ cwd: project.directory });
  await store.appendTaskOutput({
    task: id,
    fence: started.fence,
    entries: [
      { kind: 'log', stream: 'stdout', text: 'one\ntw' },
      { kind: 'report', report: { kind: 'single-value', name: 'accuracy', value: 0.5 } },
      { kind: 'log', stream: 'stdout', text: 'o\n' },
    ],
  });
  expect(await server.get(`/api/tasks/${id}/logs`)).toMatchObject({
    total: 2,
    lines: [{ text: 'one' }, { text: 'two' }],
  });
  expect((await server.get<TaskDetails>(`/api/tasks/${id}`)).reports).toEqual([
    { kind: 'single-value', name: 'accuracy', value: 0.5 },
  ]);
  expect((await server.post<ActionResult>(`/api/tasks/${id}/abort`, { reason: 'enough' })).done).toBe(true);
  expect((await store.readTaskStops([id])).get(id)).toEqual({ reason: 'stopped', message: 'enough' });
  await store.close();
});

test('run-pipeline and the page see one state', async () => {
  const { project, server, run } = shared;
  expect(existsSync(project.path('.run-pipeline', 'page-server.json'))).toBe(true);
  const { stdout } = await runPipeline(['stop', run], { cwd: project.directory });
  expect(stdout).toContain('has completed');
  expect((await server.get<RunSnapshot>(`/api/runs/${runId(run)}`)).item.status).toBe('completed');
  expect(send(server.child.pid!, 0)).toBe(true);
});
