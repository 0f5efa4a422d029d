import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunWatched } from '../../rig/command.js';
import { ScriptProject } from '../../rig/scripts.js';
import { query, watchRun } from '../../rig/warm.js';

const MAKE = `import { Task } from 'run-pipeline';
const [name, tag, rows] = process.argv.slice(2);
const task = await Task.init({ project: 'examples', name, tags: [tag], type: name === 'b' ? 'testing' : 'training' });
await task.uploadArtifact('rows', Number(rows));
if (tag === 'bad') throw new Error('bad');
`;

const PIPELINE = `import { PipelineController, Task, currentTask } from 'run-pipeline';
const pipe = new PipelineController({ name: 'demo', project: 'examples', version: '1' });
pipe.addFunctionStep({ name: 'reads', function: async () => {
  const task = await Task.get({ project: 'examples', name: 'a' });
  return task.artifacts.rows.get();
}, functionReturn: ['rows'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'plain', function: () => {
  const task = Task.current();
  task.logger.reportSingleValue('n', 1);
  return [task.name, task.project, task.status, task.id === currentTask().id];
}, functionReturn: ['facts'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'inits', function: async () => {
  const task = await Task.init({ project: 'other', name: 'other' });
  await task.executeRemotely('gpu');
  const args = task.connect({ rows: 4 });
  await task.uploadArtifact('extra', args.rows);
  return task.name;
}, functionReturn: ['name'], cacheExecutedStep: true });
await pipe.start();
`;

/** Tasks of a script, a run of the pipeline, and programs that look at them; no test changes what another one looks at. */
let project: ScriptProject;
let first: RunWatched;
beforeAll(async () => {
  project = new ScriptProject({ 'make.mjs': MAKE, 'pipe.mjs': PIPELINE }, {}, { keep: true });
  for (const args of [
    ['a', 'old', '1'],
    ['b', 'new', '2'],
    ['a', 'new', '3'],
    ['c', 'bad', '4'],
  ])
    await project.node('make.mjs', ...args);
  first = await watchRun(['pipe.mjs'], project.options);
});
afterAll(() => rmSync(project.scratch.directory, { recursive: true, force: true, maxRetries: 5 }));

test('get finds by id and by name the newest, query by what is asked, newest first', async () => {
  project.scratch.write({
    'find.mjs': `import { Task } from 'run-pipeline';
const newest = await Task.get({ project: 'examples', name: 'a' });
console.log(newest.tags, await newest.artifacts.rows.get(), newest.status, newest.attempt, newest.script.file);
const same = await Task.get(newest.id);
console.log(same.id === newest.id, (await Task.get({ id: newest.id })).name);
const names = async (search) => console.log((await Task.query(search)).map(({ name, tags }) => name + ':' + tags).join(' '));
await names();
await names({ name: 'a' });
await names({ tags: ['new'] });
await names({ status: 'failed' });
await names({ status: ['failed', 'completed'], type: 'testing' });
await names({ project: 'other' });
await names({ limit: 2 });
const [failed] = await Task.query({ status: 'failed' });
console.log(failed.error.message);
for (const look of ['nothing', { project: 'examples', name: 'aa' }, { project: 'exampels', name: 'a' }, { project: 'examples' }, { id: 'x', name: 'y' }, {}])
  await Task.get(look).catch((error) => console.log(error.message));
console.log(newest);
`,
  });
  const { stdout } = await project.node('find.mjs');
  expect(stdout.trimEnd().split('\n')).toEqual([
    "[ 'new' ] 3 completed 1 make.mjs",
    'true a',
    'c:bad a:new b:new a:old',
    'a:new a:old',
    'a:new b:new',
    'c:bad',
    'b:new',
    '',
    'c:bad a:new',
    'bad',
    'there is no task with the id "nothing"',
    'there is no task "aa" in the project "examples" (did you mean "a"?)',
    'there is no project "exampels" with tasks (did you mean "examples"?)',
    'Task.get() needs the option "name"',
    'Task.get() takes either "id", or "project" and "name"',
    'Task.get() needs the option "project"',
    expect.stringMatching(/^Task examples\/a \(\w{26}\) completed$/) as unknown,
  ]);
});

test('in a step Task is the step; what it reads through Task.get keeps its result out of the cache', async () => {
  expect(first.by).toEqual({ completed: ['inits', 'plain', 'reads'] });
  expect(first.ends['reads']?.why).toContain('its result is not cached: it reads through Task.get');
  const second = await watchRun(['pipe.mjs'], project.options);
  expect(second.by).toEqual({ cached: ['inits', 'plain'], completed: ['reads'] });
  expect(await query(['get', first.events[0]!.run, 'plain.facts'], project.options)).toEqual([
    'plain',
    'examples',
    'running',
    true,
  ]);
  expect(await query(['get', first.events[0]!.run, 'inits.name'], project.options)).toBe('inits');
  expect(await query(['get', first.events[0]!.run, 'inits.extra'], project.options)).toBe(4);
  // No task of its own came of Task.init there.
  expect((await project.list()).map(({ name }) => name)).toEqual(['c', 'a', 'b', 'a']);
});

test('steps of runs are tasks, known by RUN.STEP', async () => {
  project.scratch.write({
    'look.mjs': `import { Task } from 'run-pipeline';
const task = await Task.get(process.argv[2]);
console.log(task.name, task.project, task.status, task.run === process.argv[2].split('.')[0], task.attempt);
console.log(await task.artifacts.facts.get());
console.log(await task.waitForStatus());
for (const change of [() => task.addTags('x'), () => task.clone(), () => task.enqueue(), () => task.publish()])
  await change().catch((error) => console.log(error.message.replace(/^\\S+/, '')));
try { task.logger; } catch (error) { console.log(error.code); }
await Task.get(task.run + '.nothing').catch((error) => console.log(error.code));
`,
  });
  const { run } = first.events[0]!;
  const { stdout } = await project.node('look.mjs', `${run}.plain`);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'plain examples completed true 1',
    "[ 'plain', 'examples', 'running', true ]",
    'completed',
    ' is a step of a run that calls a function: it cannot be changed',
    ' is a step of a run that calls a function: it cannot be cloned',
    ' is a step of a run that calls a function: it cannot be enqueued',
    ' is a step of a run that calls a function: it cannot be published',
    'not-current-task',
    'unknown-task',
  ]);
  expect(await project.show(`${run}.plain`)).toMatchObject({
    name: 'plain',
    status: 'completed',
    step: 'plain',
    artifacts: [{ name: 'facts' }],
  });
  expect(await project.get('facts', `${run.slice(0, 20)}.plain`)).toEqual([
    'plain',
    'examples',
    'running',
    true,
  ]);
});

test('Task.init in the file of a pipeline is an error, and leaves nothing behind', async () => {
  const project = new ScriptProject({
    'pipe.mjs': `import { PipelineController, Task } from 'run-pipeline';
await Task.init({ project: 'examples', name: 'x' });
const pipe = new PipelineController({ name: 'demo', project: 'examples', version: '1' });
pipe.addFunctionStep({ name: 'one', function: () => 1, functionReturn: ['x'] });
await pipe.start();
`,
  });
  const result = await watchRun(['pipe.mjs'], project.options);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain('Task.init cannot be called here');
  expect(await project.list()).toEqual([]);
});

test('waitForStatus: an ending, a failure, a time limit, a process that is gone', async () => {
  project.scratch.write({
    'wait.mjs': `import { Task } from 'run-pipeline';
const a = await Task.get({ project: 'examples', name: 'a' });
console.log(await a.waitForStatus(), await a.waitForStatus(['completed', 'failed']));
const c = await Task.get({ project: 'examples', name: 'c' });
await c.waitForStatus().catch((error) => console.log(error.name, error.status, error.message.replace(/\\(\\w{26}\\)/, '')));
console.log(await c.waitForStatus('failed'), await c.waitForStatus(undefined, { raiseOn: [], timeout: 50 }).catch((error) => error.code));
const draft = await a.clone();
console.log(await draft.waitForStatus('completed', { timeout: '50ms' }).catch((error) => error.code));
const abort = new AbortController();
setTimeout(() => abort.abort(new Error('enough')), 20);
console.log(await draft.waitForStatus('completed', { signal: abort.signal }).catch((error) => error.message));
await draft.enqueue({ queue: 'later' });
console.log(draft.status, draft.queue, (await Task.query({ parent: a.id })).length);
const published = await Task.create({ project: 'examples', name: 'template', script: 'make.mjs', parameters: { lr: 1 } });
await published.publish();
console.log(published.status, JSON.stringify(published.getParameters()));
await published.enqueue().catch((error) => console.log(error.message.replace(/\\(\\w{26}\\)/, '')));
`,
  });
  const { stdout } = await project.node('wait.mjs');
  expect(stdout.trimEnd().split('\n')).toEqual([
    'completed completed',
    'TaskFailed failed the task examples/c  failed: Error: bad',
    'failed timeout',
    'timeout',
    'enough',
    'queued later 1',
    'published {"General/lr":1}',
    'the task examples/template  is published: it cannot be enqueued',
  ]);
});
