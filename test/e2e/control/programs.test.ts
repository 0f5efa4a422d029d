import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fleet, until, type Fleet } from '../../rig/agents.js';
import { node } from '../../rig/command.js';
import { npmPackage } from '../../rig/scratch.js';
import { inJavaScript } from '../../rig/javascript.js';
import { TRACE } from '../../rig/steps.js';
import { agentHere, at, onlyRun, openGate, registerIdle, Terminal, traces, TSX } from './rig.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const PIPE = `
import { PipelineController, run, pipeline, step } from 'run-pipeline';
import { appears, trace } from './trace.js';

const tell = (name: string, value: unknown) => console.log(JSON.stringify([name, value ?? null]));
const make = (times: number) => {
  const pipe = new PipelineController({ name: 'small', project: 'examples' });
  pipe.addParameter({ name: 'n', default: 1 });
  pipe.addFunctionStep({
    name: 'one',
    function: async (n: number) => { trace('one'); await appears('gate'); return n + 1; },
    functionKwargs: { n: '$<pipeline.n>' },
  });
  for (let i = 0; i < times; i++)
    pipe.addFunctionStep({ name: 'more' + i, function: (n: number) => n, functionKwargs: { n: '$<one.result>' } });
  return pipe;
};
`;
const project = async (code: string): Promise<Fleet> =>
  fleet({ ...TRACE, ...(await inJavaScript({ ...TRACE, 'program.ts': PIPE + code })) });

async function told(
  it: Fleet,
  args: readonly string[] = ['program.js'],
): Promise<Readonly<Record<string, any>>> {
  const result = await node(args, at(it));
  expect(result.code, result.stderr).toBe(0);
  const lines = result.stdout.split('\n').filter((line) => line.startsWith('["'));
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, unknown]));
}

test('start({ queue }) gives the run that an agent executes; the file is evaluated there and does not start it again', async () => {
  const it = await fleet({
    ...TRACE,
    'program.ts': `${PIPE}
async function main() {
  const pipe = make(Number(process.argv[2]));
  const starting = pipe.start({ queue: 'services', parameters: { n: 4 }, output: 'quiet' });
  tell('running', [pipe.isRunning(), pipe.isSuccessful(), await pipe.wait(1)]);
  const run = await starting;
  tell('run', { number: run.number, status: run.status, steps: Object.keys(run.steps), value: await run.get('more0') });
  tell('after', [pipe.isRunning(), pipe.isSuccessful(), await pipe.wait(), pipe.elapsed() > 0]);
  tell('nodes', pipe.getProcessedNodes().map(({ name, status }) => [name, status]));
}
void main();
`,
  });
  openGate(it);
  await agentHere(it, '--queue', 'services');
  const { running, run, after, nodes } = await told(it, ['--import', TSX, 'program.ts', '2']);
  expect(running).toEqual([true, false, false]);
  expect(run).toEqual({ number: 1, status: 'completed', steps: ['one', 'more0', 'more1'], value: 5 });
  expect(after).toEqual([false, true, true, true]);
  expect(nodes).toEqual([
    ['one', 'completed'],
    ['more0', 'completed'],
    ['more1', 'completed'],
  ]);
  expect((await it.project.store.listAgents()).map(({ id }) => id)).toEqual([
    (await it.project.store.readAttempts([(await onlyRun(it)).id as never])).get(
      (await onlyRun(it)).id as never,
    )?.agent,
  ]);
});

test('stop() ends a run on an agent, and settles when it has ended', async () => {
  const it = await project(`
async function main() {
  const pipe = make(1);
  const starting = pipe.start({ queue: 'services', output: 'quiet' });
  await appears('trace.txt');
  await pipe.stop();
  const run = await starting;
  tell('run', [run.status, run.steps.one!.status, run.steps.more0!.status, pipe.isRunning(), pipe.isSuccessful()]);
}
void main();
`);
  await agentHere(it, '--queue', 'services');
  const result = await node(['program.js'], at(it));
  expect(result.stdout).toBe('["run",["aborted","aborted","skipped",false,false]]\n');
  expect(result.code).toBe(1);
});

test('run(…, { remote }) does the same, and the file may be run by run-pipeline, where --local wins', async () => {
  const it = await project(`
export const pipe = make(0);
const result = await run(pipe, { remote: true });
tell('status', result.status);
`);
  openGate(it);
  await agentHere(it, '--queue', 'services');
  const remote = await watchRun(['program.js'], at(it));
  expect(remote, remote.stderr).toMatchObject({ code: 0 });
  expect(remote.stderr).toContain('["status","completed"]');
  const { id } = await onlyRun(it);
  expect(await it.project.store.readTask(id as never)).toMatchObject({ status: 'completed' });
  const local = await watchRun(['program.js', '--local'], at(it));
  expect(local).toMatchObject({ code: 0 });
  expect(await it.project.store.findTasks({ type: ['controller'] })).toHaveLength(1);
});

test('Ctrl-C leaves the run of a file that starts itself, and nothing of the file comes after', async () => {
  const it = await project(`
export const pipe = make(0);
await pipe.start({ queue: 'services' });
tell('after', true);
`);
  await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['program.js']);
  await terminal.event('step.start', 'one');
  terminal.kill('SIGINT');
  expect(await terminal.ended).toMatchObject({ code: 130 });
  expect(terminal.stderr).not.toContain('after');
  openGate(it);
  const { id } = await onlyRun(it);
  expect(await it.ended(id as never)).toMatchObject({ status: 'completed' });
});

test('a pipeline function runs on an agent: its branches, and the pipelines that it runs', async () => {
  const it = await project(`
const inc = step((n: number) => { trace('inc'); return n + 1; });
const big = step((n: number) => { trace('big'); return n * 100; });
const small = step((n: number) => { trace('small'); return n; });
export const inner = pipeline({ name: 'inner', project: 'examples', parameters: { n: 1 } }, ({ n }) => small(n));
export const outer = pipeline({ name: 'outer', project: 'examples', parameters: { n: 1 } }, async ({ n }) => {
  const value = await inc(n);
  const result = await run(inner, { parameters: { n: value }, output: 'quiet' });
  return value > 3 ? big(await result.get<number>('small')) : undefined;
});
`);
  await agentHere(it, '--queue', 'services');
  const run = await watchRun(['program.js#outer', '--remote', '--param', 'n=5'], at(it));
  expect(run, run.stderr).toMatchObject({ code: 0, by: { completed: ['big', 'inc'] } });
  expect(traces(it)).toEqual(['inc', 'small', 'big']);
  const runs = await it.project.store.findRuns({});
  expect(runs.map(({ pipeline, status }) => [pipeline, status])).toEqual([
    ['inner', 'completed'],
    ['outer', 'completed'],
  ]);
});

test('startLocally sends the steps to their queues and keeps the controller', async () => {
  const it = await project(`
const pipe = make(0);
pipe.setDefaultExecutionQueue('default');
const starting = pipe.startLocally({ runPipelineStepsLocally: false, output: 'quiet' });
tell('early', await pipe.wait(1));
const run = await starting;
tell('run', run.status);
`);
  openGate(it);
  await agentHere(it, '--queue', 'default');
  expect(await told(it)).toEqual({ early: false, run: 'completed' });
  const events = await it.project.store.readEvents((await onlyRun(it)).id, { types: ['step.start'] });
  expect(events).toMatchObject([{ step: 'one', agent: expect.any(String) as string }]);
  expect(await it.project.store.findTasks({ type: ['controller'] })).toEqual([]);
});

test('what the bundle of a program does not declare fails with that reason', async () => {
  const it = await project(
    `
// Made for a request that the agent knows nothing of.
if (process.argv[2] === 'serve') setTimeout(async () => {
  const run = await make(0).start({ queue: 'services', output: 'quiet' });
  tell('run', run.status);
}, 1);
`.replace("process.argv[2] === 'serve'", "process.env.SERVES === 'yes'"),
  );
  await agentHere(it, '--queue', 'services');
  const result = await node(['program.js'], {
    ...at(it),
    env: { ...at(it).env, SERVES: 'yes' },
  });
  expect(result.stdout).toBe('["run","failed"]\n');
  const run = await onlyRun(it);
  const [end] = await it.project.store.readEvents(run.id, { types: ['run.end'] });
  expect(end).toMatchObject({
    error: { message: expect.stringMatching(/does not declare pipeline small/) as string },
  });
});

test('a controller that cannot be loaded on the agent fails its run with that reason', async () => {
  const it = await fleet({
    ...npmPackage(
      'needed',
      '1.0.0',
      { 'index.js': 'export const value = 1;' },
      { type: 'module', exports: './index.js' },
    ),
    'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { value } from 'needed';
export const pipe = new PipelineController({ name: 'loads', project: 'examples' });
pipe.addFunctionStep({ name: 'one', function: () => 1, preExecuteCallback: () => console.log(value) });
`,
  });
  await registerIdle(it, 600_000);
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await until(it.project, async () => (await it.project.store.findRuns({}))[0]);
  rmSync(it.files.path('node_modules/needed'), { recursive: true });
  await agentHere(it, '--queue', 'services');
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines.map(({ type }) => type)).toEqual(['run.start', 'run.end']);
  expect(terminal.lines.at(-1)).toMatchObject({
    status: 'failed',
    error: { message: expect.stringMatching(/needed/) as string },
  });
  // It is the machine's fault, and can be made good.
  it.files.write(
    npmPackage(
      'needed',
      '1.0.0',
      { 'index.js': 'export const value = 1;' },
      { type: 'module', exports: './index.js' },
    ),
  );
  expect(await runPipeline(['resume', 'latest'], at(it))).toMatchObject({ code: 0 });
});

test('a callback that ends its process fails the run, at once', async () => {
  const it = await fleet({
    ...TRACE,
    'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { trace } from './trace.js';
export const pipe = new PipelineController({ name: 'exits', project: 'examples' });
pipe.addFunctionStep({ name: 'one', function: () => { trace('one'); return 1; }, postExecuteCallback: () => process.exit(0) });
pipe.addFunctionStep({ name: 'two', function: (n: number) => n, functionKwargs: { n: '$<one.result>' } });
`,
  });
  await agentHere(it, '--queue', 'services');
  const run = await watchRun(['pipe.ts', '--remote'], at(it));
  expect(run).toMatchObject({ code: 1 });
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: { code: 'controller-died', message: expect.stringMatching(/process.exit/) as string },
  });
  expect(run.ends).toMatchObject({ two: { status: 'skipped' } });
  expect(traces(it)).toEqual(['one']);
});

test('a controller that is killed from outside is continued; at the third time the run fails', async () => {
  const it = await project(`export const pipe = make(0);\n`);
  await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['program.js', '--remote']);
  for (const attempt of [1, 2, 3]) {
    const start = await terminal.printed((event) => event.type === 'step.start' && event.attempt === attempt);
    expect(start, terminal.stderr).toBeDefined();
    const { owner } = await onlyRun(it);
    process.kill(owner.pid, 'SIGKILL');
  }
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines.at(-1)).toMatchObject({
    type: 'run.end',
    error: { message: 'the process of the controller died 3 times, the last time by SIGKILL' },
  });
  expect(terminal.lines.filter(({ type }) => type === 'step.end')).toMatchObject([
    { step: 'one', status: 'aborted', attempt: 3 },
  ]);
});

test('a program runs a pipeline function on an agent: its steps have the names of their variables', async () => {
  const it = await project(`
const inc = step((n: number) => n + 1);
const twice = step((n: number) => n * 2);
const sums = pipeline({ name: 'sums', project: 'examples', parameters: { n: 1 } }, ({ n }) => twice(inc(inc(n))));
const result = await run(sums, { remote: true, output: 'quiet', parameters: { n: 3 } });
tell('run', [result.status, Object.keys(result.steps), await result.get('twice')]);
`);
  await agentHere(it, '--queue', 'services');
  expect(await told(it)).toEqual({ run: ['completed', ['inc', 'inc_1', 'twice'], 10] });
});

test('a decorated class runs on an agent, and again by rerun --remote', async () => {
  const it = await fleet({
    'pipe.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'iris', project: 'examples' })
export class Iris {
  @Parameter() depth = 3;
  @Step({ returns: ['twice'] })
  double() { return this.depth * 2; }
  @Step({ inputs: ['$<double.twice>'] })
  show(twice: number) { return twice + 1; }
}
`,
  });
  await agentHere(it, '--queue', 'services');
  expect(await watchRun(['pipe.ts', '--remote', '--param', 'depth=5'], at(it))).toMatchObject({ code: 0 });
  expect(await watchRun(['rerun', 'latest', '--remote=services'], at(it))).toMatchObject({ code: 0 });
  const [second, first] = await it.project.store.findRuns({});
  expect(second).toMatchObject({ parent: first!.id, number: 2, version: '2' });
  expect(await it.project.store.findTasks({ type: ['controller'] })).toHaveLength(2);
  expect(await query(['get', second!.id, 'show.result'], at(it))).toBe(11);
});

test.each([
  [['--remote', '--local'], /--remote and --local exclude each other/],
  [['--remote', '--watch'], /--remote and --watch exclude each other/],
  [['--remote='], /--remote needs a value/],
])('%j is a usage error', async (flags, message) => {
  const it = await project('');
  const refused = await runPipeline(['program.js', ...flags], at(it));
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(message) as string });
});

test('a program is told when it asks for both places', async () => {
  const it = await project(`
export const pipe = make(0);
await run(pipe, { local: true, remote: true }).catch(({ message }) => tell('refused', message));
`);
  expect((await told(it))['refused']).toBe('run() takes either "local" or "remote", not both');
});

test('a run that its own process drives is a task as well, without a record', async () => {
  const it = await fleet({
    'pipe.ts': `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addFunctionStep({ name: 'one', function: (n: number) => n + 1, functionKwargs: { n: '$<pipeline.n>' }, monitorArtifacts: [['result', 'best']] });
`,
    ...(await inJavaScript({
      'program.ts': `
import { PipelineController, Task } from 'run-pipeline';
const tell = (name: string, value: unknown) => console.log(JSON.stringify([name, value ?? null]));
const { id } = await PipelineController.get({ project: 'examples', name: 'small' });
const task = await Task.get<{ best: number }>({ id });
tell('task', [task.id === id, task.name, task.type, task.status, await task.artifacts.best.get()]);
tell('clone', await Task.clone({ source: id }).then(() => 'not refused', ({ code, help }) => [code, help]));
`,
    })),
  });
  expect(await watchRun(['pipe.ts', '--param', 'n=4'], at(it))).toMatchObject({ code: 0 });
  const { task, clone } = await told(it);
  expect(task).toEqual([true, 'small', 'controller', 'completed', 5]);
  expect(clone).toEqual(['no-script', expect.stringMatching(/PipelineController.clone/)]);
  expect(await query(['task', 'show', (await onlyRun(it)).id], at(it))).toMatchObject({
    type: 'controller',
    status: 'completed',
    parameters: { 'General/n': 4 },
  });
  expect(await it.project.store.findTasks({})).toEqual([]);
});
