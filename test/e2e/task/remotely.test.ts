import { expect, test } from 'vitest';
import { ScriptProject } from '../../rig/scripts.js';
import { runPipeline } from '../../rig/warm.js';

const script = (queue: string): ScriptProject =>
  new ScriptProject({
    'train.js': `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'train', tags: ['t'] });
const args = task.connect({ rows: 3 });
console.log('before');
task.executeRemotely(${queue});
console.log('rows', args.rows);
await task.uploadArtifact('rows', args.rows);
`,
  });

test('run by hand it leaves a draft and exits 0, awaited or not; what it printed is not kept', async () => {
  const project = script('');
  const result = await project.node('train.js');
  expect(result).toMatchObject({ code: 0, stdout: 'before\n' });
  const task = await project.show();
  expect(result.stderr).toContain(`Task train: left as a draft\n  run-pipeline task enqueue ${task.id}`);
  expect(task).toMatchObject({
    status: 'created',
    attempt: 0,
    tags: ['t'],
    parameters: { 'General/rows': 3 },
    artifacts: [],
    startedAt: null,
  });
  expect(await project.logs()).toBe('');
});

test('the draft is executed here as it is, once', async () => {
  const project = script('');
  await project.node('train.js');
  const { id } = await project.show();
  expect(await project.task('run', id)).toMatchObject({ code: 0, stdout: 'before\nrows 3\n' });
  expect(await project.show(id)).toMatchObject({ status: 'completed', attempt: 1 });
  const again = await project.task('run', id);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('has run: it is completed');
  expect(again.stderr).toContain(`run-pipeline task clone ${id}`);
});

test('with a queue it waits there, and an agent executes it', async () => {
  const project = script(`'gpu', { priority: 2 }`);
  expect(await project.node('train.js')).toMatchObject({ code: 0, stdout: 'before\n' });
  const { id, ...waiting } = await project.show();
  expect(waiting).toMatchObject({ status: 'queued', queue: 'gpu', priority: 2, attempt: 0 });
  const agent = await runPipeline(['agent', '--queue', 'gpu', '--once'], project.options);
  expect(agent.code).toBe(0);
  expect(await project.show(id)).toMatchObject({
    status: 'completed',
    attempt: 1,
    artifacts: [{ name: 'rows' }],
  });
  expect(await project.logs(id)).toBe('before\nrows 3\n');
});

test('a queue that cannot be one is an error before anything is left', async () => {
  const result = await script(`' gpu'`).node('train.js');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('" gpu" cannot be the name of a queue');
});

test('a script that could not be packaged is not left to anybody', async () => {
  const project = new ScriptProject({
    'train.mjs': `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'train' });
if (process.env.NEVER) await import('not-there');
try { task.executeRemotely(); } catch (error) { console.log(error.code); }
`,
  });
  expect(await project.node('train.mjs')).toMatchObject({ code: 0, stdout: 'no-package\n' });
  expect(await project.show()).toMatchObject({ status: 'completed' });
});
