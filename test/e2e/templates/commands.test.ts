import { expect, test } from 'vitest';
import { scratch } from '../../rig/scratch.js';
import { draft, LIVE, taskOf, withState } from '../../rig/templates.js';
import { query, runPipeline } from '../../rig/warm.js';

const FILES = {
  ...LIVE,
  'data.ts': `import { task, parameter } from './live';
console.log('given', parameter('lr'), task.getConfiguration('model'));
console.error('a warning');
await task.setProgress(7);
await task.uploadArtifact('rows', [parameter('lr'), import.meta.url.endsWith('/data.ts'), process.argv[1]?.endsWith('/data.ts')]);
if (parameter('fails')) throw new TypeError('it fails');
`,
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'shown', project: 'examples' });
pipe.addParameter({ name: 'lr', default: 0.5 });
pipe.addStep({ name: 'data', baseTaskName: 'data', cacheExecutedStep: true, parameterOverride: { 'General/lr': '$<pipeline.lr>' }, configurationOverrides: { model: 'deep' } });
pipe.addStep({ name: 'broken', baseTaskName: 'data', parents: ['data'], parameterOverride: { 'General/fails': true } });
export default pipe;
`,
};

test('show, logs, get, why, diff and debug tell of steps from tasks what they tell of others', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  await draft(project, { file: 'data.ts', name: 'data' });
  const run = await runPipeline(['pipe.ts'], options);
  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(/broken failed: TypeError: it fails\ndata\.ts:6:31/);
  expect(run.stdout).toMatch(/General\/fails = true/);

  const show = await query<{ id: string; steps: readonly object[] }>(['show', 'latest'], options);
  expect(show.steps).toMatchObject([
    { name: 'data', status: 'completed', attempts: 1, artifacts: [{ name: 'rows' }] },
    { name: 'broken', status: 'failed', error: { name: 'TypeError', at: 'data.ts:6:31' } },
  ]);
  const logs = await runPipeline(['logs', 'latest', 'data'], options);
  expect(logs.stdout).toContain('given 0.5 deep\n');
  expect(logs.stdout + logs.stderr).toContain('a warning');
  expect(await query(['get', 'latest', 'data.rows'], options)).toEqual([0.5, true, true]);
  expect(await query(['get', 'latest', 'data'], options)).toEqual([0.5, true, true]);
  for (const name of ['shown#1.data', 'latest.data', `${show.id}.data`, `${show.id.slice(0, 20)}.data`])
    expect(await query(['task', 'show', name], options)).toMatchObject({
      id: `${show.id}.data`,
      step: 'data',
    });
  expect(await query(['task', 'get', 'shown#1.data', 'rows'], options)).toEqual([0.5, true, true]);
  for (const name of ['shown#2.data', 'shown#1.date', 'latest.date']) {
    const none = await runPipeline(['task', 'show', name], options);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining(`there is no task "${name}"`)]);
  }
  const why = await runPipeline(['why', 'latest', 'data'], options);
  expect(why.stdout).toMatch(/it has not run before/);
  expect(why.stdout).toMatch(/parameter +General\/lr +0\.5/);
  expect(why.stdout).toMatch(/configuration +model +"deep"/);

  await runPipeline(['pipe.ts', '--param', 'lr=0.25'], options);
  const diff = await runPipeline(['diff', 'shown#1', 'shown#2'], options);
  expect(diff.stdout).toMatch(/parameter lr: 0\.5 → 0\.25/);
  expect(diff.stdout).toMatch(/parameter General\/lr 0\.5 -> 0\.25 \(\$<pipeline\.lr>\)/);
});

test('debug executes the script once more, with what the clone had, and changes nothing', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  const base = await draft(project, { file: 'data.ts', name: 'data' });
  await runPipeline(['pipe.ts'], options);
  const show = await query<{ id: string }>(['show', 'latest'], options);
  const records = () => withState(project, ({ store }) => store.findTasks({ steps: true }));
  const before = await records();
  project.write({ 'data.ts': 'throw new Error("another script");\n' });
  const flags = ['--no-wait', '--inspect', '0'];
  const debug = await runPipeline(['debug', 'latest', 'data', ...flags], options);
  expect(debug).toMatchObject({ code: 0, stdout: expect.stringContaining('given 0.5 deep') as string });
  expect(debug.stdout).toMatch(/rows .* \[0\.5, true, true\]/);
  const broken = await runPipeline(['debug', 'latest', 'broken', ...flags, '--json'], options);
  expect([broken.code, JSON.parse(broken.stdout)]).toMatchObject([
    1,
    { status: 'failed', error: { name: 'TypeError' } },
  ]);
  expect(await query(['show', 'latest'], options)).toEqual(show);
  expect(await records()).toEqual(before);
  expect(await taskOf(project, base.id)).toEqual(base);
});
