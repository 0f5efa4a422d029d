import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fleet, until } from '../../rig/agents.js';
import { eventually } from '../../rig/crash.js';
import { npmPackage } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';
import { draft, LIVE } from '../../rig/templates.js';
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
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const FILES = {
  ...TRACE,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { appears, trace } from './trace.js';

console.log('evaluated');
const first = (n: number) => { trace('first'); return n + 1; };
const second = async (n: number) => { trace('second'); await appears('gate'); return n * 2; };
const third = (n: number) => { trace('third'); return n; };

export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addFunctionStep({ name: 'first', function: first, functionKwargs: { n: '$<pipeline.n>' } });
pipe.addFunctionStep({
  name: 'second',
  function: second,
  functionKwargs: { n: '$<first.result>' },
  preExecuteCallback: (_pipe, node) => console.log('about to run', node.name),
});
pipe.addFunctionStep({ name: 'third', function: third, functionKwargs: { n: '$<second.result>' } });
`,
};

test('one agent of one slot runs the controller and the steps that it sends to the same agent', async () => {
  const it = await fleet(FILES);
  openGate(it);
  const agent = await agentHere(it, '--queue', 'services', '--queue', 'default', '--concurrency', '1');
  const run = await watchRun(['pipe.ts', '--remote', '--queue', 'default', '--param', 'n=4'], at(it));
  expect(run, run.stderr).toMatchObject({ code: 0, by: { completed: ['first', 'second', 'third'] } });
  const starts = run.events.filter((event) => event.type === 'step.start');
  const [{ id } = { id: '' }] = await it.project.store.listAgents();
  expect(starts.map(({ agent: by }) => by)).toEqual([id, id, id]);
  expect(run.events.map(({ seq }) => seq)).toEqual(run.events.map((_, index) => index));
  expect(run.events[0]).toMatchObject({ type: 'run.start', number: 1, parameters: { n: 4 } });
  expect(run.stderr).toContain('about to run second');
  const row = await onlyRun(it);
  expect(await it.console(row.id as never)).toBe('evaluated\nabout to run second\n');
  expect(await query(['get', 'latest', 'third.result'], at(it))).toBe(10);
  expect(await query(['show', 'latest'], at(it))).toMatchObject({
    status: 'completed',
    controller: { queue: 'services', agent: id },
  });
  // What the callback printed stands where it came, also for who looks later.
  const { stdout } = await runPipeline(['follow', 'latest'], at(it));
  const places = ['▶ small #1', '✔ first', 'about to run second'].map((text) => stdout.indexOf(text));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  agent.kill('SIGTERM');
});

test('an agent that is killed loses no run: the next one continues it, and nothing is executed twice', async () => {
  const it = await fleet(FILES);
  const first = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  const { owner } = await onlyRun(it);
  const second = await agentHere(it, '--queue', 'services');
  first.kill('SIGKILL');
  const row = await onlyRun(it);
  await second.told('task.start', row.id as never);
  openGate(it);
  expect(await terminal.ended).toMatchObject({ code: 0 });
  // The process of the controller went with its agent.
  expect(isController(owner.pid)).toBe(false);
  expect(traces(it)).toEqual(['first', 'second', 'second', 'third']);
  expect(terminal.lines.map(({ seq }) => seq)).toEqual(terminal.lines.map((_, index) => index));
  expect(terminal.lines.map(({ type }) => type)).toContain('run.resume');
  expect(await onlyRun(it)).toMatchObject({ status: 'completed', epoch: 3 });
  expect(await it.project.store.readTask(row.id as never)).toMatchObject({ status: 'completed', attempt: 2 });
});

test('Ctrl-C leaves the run alone; it can be followed again, by several, from any point', async () => {
  const it = await fleet(FILES);
  await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  const { id } = await onlyRun(it);
  terminal.kill('SIGINT');
  expect(await terminal.ended).toMatchObject({ code: 130 });
  expect(terminal.stderr).toContain(`run-pipeline follow ${id}`);
  const last = terminal.lines.at(-1)!.seq;
  const all = new Terminal(it, ['follow', 'latest']);
  const rest = new Terminal(it, ['follow', id, '--after', String(last)]);
  await all.event('step.start', 'second');
  openGate(it);
  expect(await all.ended).toMatchObject({ code: 0 });
  expect(await rest.ended).toMatchObject({ code: 0 });
  expect([...terminal.lines, ...rest.lines]).toEqual(all.lines);
  expect(all.lines.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  // Of a run that has ended it tells all, too.
  const told = await watchRun(['follow', id], at(it));
  expect(told.events).toEqual(all.lines);
});

test('without an agent the pipeline runs here, and one line says so', async () => {
  const it = await fleet(FILES);
  openGate(it);
  const run = await watchRun(['pipe.ts', '--remote=gpu'], at(it));
  expect(run).toMatchObject({ code: 0, by: { completed: ['first', 'second', 'third'] } });
  expect(run.stderr.split('\n').filter((line) => line.includes('no agent'))).toEqual([
    '▲ no agent serves queue "gpu": the pipeline runs here (start one: run-pipeline agent --queue gpu)',
  ]);
});

test('when its agents vanish before one takes it, a run is executed by whoever waits for it', async () => {
  const it = await fleet(FILES);
  openGate(it);
  await registerIdle(it, 600_000);
  const running = watchRun(['pipe.ts', '--remote'], at(it));
  await until(it.project, async () => (await it.project.store.findRuns({}))[0]);
  // It was heard of for the last time.
  await registerIdle(it, 1);
  const run = await running;
  expect(run, run.stderr).toMatchObject({ code: 0, by: { completed: ['first', 'second', 'third'] } });
  expect(run.stderr.match(/no agent serves queue "services": the pipeline runs here/g)).toHaveLength(1);
  const row = await onlyRun(it);
  expect(row).toMatchObject({ status: 'completed', number: 1 });
  expect(await it.project.store.readTask(row.id as never)).toMatchObject({ status: 'completed' });
  expect(traces(it)).toEqual(['first', 'second', 'third']);
});

test('a run that waits is stopped before anything of it is executed', async () => {
  const it = await fleet(FILES);
  await registerIdle(it, 600_000);
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  const row = await until(it.project, async () => (await it.project.store.findRuns({}))[0]);
  expect(await query(['runs'], at(it))).toMatchObject([{ id: row.id, status: 'queued', startedAt: null }]);
  const shown = await runPipeline(['show', 'latest'], at(it));
  expect(shown.stdout).toMatch(/controller +waits in queue "services"\n/);
  expect(await query(['stop', 'latest'], at(it))).toEqual({ id: row.id, stopped: true, status: 'aborted' });
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines.map(({ type }) => type)).toEqual(['run.start', 'run.end']);
  expect(terminal.lines.at(-1)).toMatchObject({
    status: 'aborted',
    error: { message: 'stopped by run-pipeline stop' },
  });
  expect(await it.project.store.readTask(row.id as never)).toMatchObject({ status: 'aborted' });
  expect(await it.project.store.listQueued('services')).toEqual([]);
});

test('a run on an agent is stopped as one of this machine is', async () => {
  const it = await fleet(FILES);
  await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  expect(await query(['stop', 'latest', '--reason', 'enough'], at(it))).toMatchObject({ status: 'aborted' });
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines.at(-1)).toMatchObject({ type: 'run.end', status: 'aborted' });
  const { id } = await onlyRun(it);
  await it.ended(id as never);
  expect(await it.project.store.readTask(id as never)).toMatchObject({ status: 'aborted' });
  expect(traces(it)).toEqual(['first', 'second']);
});

test('resume continues a run here whose agent has died, and keeps what it completed', async () => {
  const it = await fleet(FILES);
  const agent = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  const { id, owner } = await onlyRun(it);
  const early = await runPipeline(['resume', id], at(it));
  expect(early).toMatchObject({ code: 2, stderr: expect.stringMatching(/is being run by/) as string });
  terminal.kill('SIGINT');
  await terminal.ended;
  agent.kill('SIGKILL');
  await agent.ended;
  // The process of the controller goes after its agent.
  await eventually(() => !isController(owner.pid));
  openGate(it);
  const resumed = await watchRun(['resume', id], at(it));
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  expect(traces(it)).toEqual(['first', 'second', 'second', 'third']);
  expect(await onlyRun(it)).toMatchObject({ status: 'completed' });
  expect(await it.project.store.readTask(id as never)).toMatchObject({ status: 'completed' });
  const shown = await runPipeline(['show', id], at(it));
  expect(shown.stdout).toMatch(/controller +here, by hand/);
});

test('a stop is heard by the agent that takes the run next, too', async () => {
  const it = await fleet(FILES);
  const agent = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await terminal.event('step.start', 'second');
  terminal.kill('SIGINT');
  await terminal.ended;
  agent.kill('SIGKILL');
  await agent.ended;
  // It waits for the lease of the dead agent, takes the run itself and ends it.
  expect(await query(['stop', 'latest'], at(it))).toMatchObject({ stopped: true, status: 'aborted' });
  const { id } = await onlyRun(it);
  const events = await it.project.store.readEvents(id);
  expect(events.filter(({ type }) => type === 'step.end')).toMatchObject([
    { step: 'first', status: 'completed' },
    { step: 'second', status: 'aborted' },
    { step: 'third', status: 'skipped' },
  ]);
  expect(traces(it)).toEqual(['first', 'second']);
});

test('a controller in a busy loop dies with its agent', async () => {
  const it = await fleet({
    ...FILES,
    'busy.ts': `
import { PipelineController } from 'run-pipeline';
import { writeFileSync } from 'node:fs';
export const pipe = new PipelineController({ name: 'busy', project: 'examples' });
pipe.addFunctionStep({
  name: 'one',
  function: () => 1,
  preExecuteCallback: () => { writeFileSync('pid', String(process.pid)); for (;;); },
});
`,
  });
  const agent = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['busy.ts', '--remote']);
  const pid = await appeared(it, 'pid');
  terminal.kill('SIGINT');
  agent.kill('SIGKILL');
  await eventually(() => !isController(pid));
  expect(isController(pid)).toBe(false);
});

test('a run that was queued is executed, whatever becomes of who made it', async () => {
  const it = await fleet(FILES);
  openGate(it);
  await agentHere(it, '--queue', 'services');
  const crashed = await runPipeline(['pipe.ts', '--remote'], {
    ...at(it),
    env: { ...at(it).env, RUN_PIPELINE_CRASH_AT: 'run-queued' },
  });
  expect(crashed.signal).toBe('SIGKILL');
  const { id } = await onlyRun(it);
  expect(await it.ended(id as never)).toMatchObject({ status: 'completed' });
  expect(traces(it)).toEqual(['first', 'second', 'third']);
});

test.each([
  ['run-taken', 'failed', []],
  ['after-claim:2', 'completed', ['first', 'second', 'third']],
  ['after-end:2', 'completed', ['first', 'second', 'third']],
] as const)('the process of a controller dies at %s: the run is %s', async (place, status, executed) => {
  const it = await fleet(FILES);
  openGate(it);
  // Its processes have the environment of the agent, each its own passes.
  await it.agent(['--queue', 'services'], {
    cwd: it.files.directory,
    env: { RUN_PIPELINE_CRASH_AT: place },
  });
  const run = await watchRun(['pipe.ts', '--remote'], at(it));
  expect(run.events.at(-1), run.stderr).toMatchObject({ type: 'run.end', status });
  expect(existsSync(it.files.path('trace.txt')) ? traces(it) : []).toEqual(executed);
  expect(run.events.map(({ seq }) => seq)).toEqual(run.events.map((_, index) => index));
});

test('a run that is taken out of its queue is executed by whoever waits for it', async () => {
  const it = await fleet(FILES);
  openGate(it);
  await registerIdle(it, 600_000);
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  await until(it.project, async () => (await it.project.store.findRuns({}))[0]);
  await it.project.store.clearQueue('services');
  expect(await terminal.ended).toMatchObject({ code: 0 });
  expect(terminal.stderr).toContain('the run was taken out of queue "services": it runs here');
  expect(traces(it)).toEqual(['first', 'second', 'third']);
});

test('a run whose controller is aborted while it waits ends so', async () => {
  const it = await fleet(FILES);
  await registerIdle(it, 600_000);
  const terminal = new Terminal(it, ['pipe.ts', '--remote']);
  const { id } = await until(it.project, async () => (await it.project.store.findRuns({}))[0]);
  await it.project.store.abortTask(id as never, 'not wanted any more');
  expect(await terminal.ended).toMatchObject({ code: 1 });
  expect(terminal.lines).toMatchObject([
    { type: 'run.start' },
    { type: 'run.end', status: 'aborted', error: { message: 'not wanted any more' } },
  ]);
});

test('what a stopped run had left in queues is taken out of them', async () => {
  const it = await fleet(FILES);
  await registerIdle(it, 600_000, ['default']);
  const agent = await agentHere(it, '--queue', 'services');
  const terminal = new Terminal(it, ['pipe.ts', '--remote', '--queue', 'default']);
  await terminal.event('step.queue', 'first');
  // Detached first: a launcher that is still there drives the run itself once its agent is gone.
  terminal.kill('SIGINT');
  await terminal.ended;
  agent.kill('SIGKILL');
  await agent.ended;
  expect(await it.project.store.listQueued('default')).toHaveLength(1);
  expect(await query(['stop', 'latest'], at(it))).toMatchObject({ status: 'aborted' });
  expect(await it.project.store.listQueued('default')).toEqual([]);
});

test('a run of another process is followed, too; when that is gone, the follower says so', async () => {
  const it = await fleet(FILES);
  const running = new Terminal(it, ['pipe.ts']);
  await running.event('step.start', 'second');
  const follower = new Terminal(it, ['follow', 'latest']);
  await follower.event('step.start', 'second');
  running.kill('SIGKILL');
  expect(await follower.ended).toMatchObject({ code: 1 });
  expect(follower.stderr).toMatch(/the process of small #1 is gone\n.*run-pipeline resume/);
  expect(follower.lines).toEqual(running.lines);
});

test('an agent in an empty directory runs the controller, with files, npm packages and steps from tasks', async () => {
  const it = await fleet({
    ...TRACE,
    ...LIVE,
    ...npmPackage(
      'needed',
      '1.0.0',
      { 'index.js': 'export const value = 7;' },
      { type: 'module', exports: './index.js' },
    ),
    'data/rows.csv': 'rows',
    'script.ts': `import { parameter, task } from './live';\nawait task.uploadArtifact('made', Number(parameter('n')) * 2);\n`,
    'pipe.ts': `
import { readFileSync } from 'node:fs';
import { file, PipelineController, type FileValue } from 'run-pipeline';
import { value } from 'needed';
const read = (csv: FileValue) => readFileSync(csv.path, 'utf8').length;
const gather = (length: number, made: number) => [length, made];
export const pipe = new PipelineController({ name: 'all', project: 'examples' });
pipe.addFunctionStep({ name: 'read', function: read, functionKwargs: { csv: file('data/rows.csv') } });
pipe.addStep({
  name: 'made',
  baseTaskName: 'template',
  parameterOverride: { 'General/n': '$<read.result>' },
  preExecuteCallback: (_pipe, node, parameters) => { parameters['General/n'] = (parameters['General/n'] as number) + value; },
});
pipe.addFunctionStep({ name: 'gather', function: gather, functionKwargs: { length: '$<read.result>', made: '$<made.made>' } });
`,
  });
  await draft(it.files, { file: 'script.ts', name: 'template' });
  await it.agent(['--queue', 'services']);
  const run = await watchRun(['pipe.ts', '--remote'], at(it));
  expect(run, run.stderr).toMatchObject({ code: 0, by: { completed: ['gather', 'made', 'read'] } });
  expect(await query(['get', 'latest', 'gather.result'], at(it))).toEqual([4, 22]);
});
