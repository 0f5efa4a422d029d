import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import { expect, onTestFinished, test } from 'vitest';
import { AgentProcess } from '../rig/agents.js';
import { node, type RunWatched } from '../rig/command.js';
import { repository, scratch, type Scratch } from '../rig/scratch.js';
import { query, watchRun } from '../rig/warm.js';

const FOLDER = 'examples/pipeline-from-tasks';
const CONTROLLER = `${FOLDER}/pipeline-from-tasks.ts`;
const TSX = join(repository, 'node_modules/tsx/dist/cli.mjs');
const STEPS = ['stage_data', 'stage_process', 'stage_train'];

/** The example in a project of its own, after its three scripts were run once. */
async function withTemplates(): Promise<{ readonly project: Scratch; readonly templates: readonly Shown[] }> {
  const project = scratch({
    'package-lock.json': readFileSync(join(repository, 'package-lock.json'), 'utf8'),
  });
  cpSync(join(repository, 'examples'), project.path('examples'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  symlinkSync(join(repository, 'node_modules/ml-cart'), project.path('node_modules/ml-cart'));
  symlinkSync(join(repository, 'node_modules/ml-matrix'), project.path('node_modules/ml-matrix'));
  const options = { cwd: project.directory };
  for (const script of ['step1-dataset-artifact', 'step2-data-processing', 'step3-train-model']) {
    const run = await node([TSX, `${FOLDER}/${script}.ts`], options);
    expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(/created task \w+/) as string]);
  }
  return { project, templates: await tasks(project) };
}

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly parameters: unknown;
}
async function tasks(project: Scratch): Promise<readonly Shown[]> {
  const listed = await query<readonly Shown[]>(['task', 'ls'], { cwd: project.directory });
  return Promise.all(listed.map(({ id }) => query<Shown>(['task', 'show', id], { cwd: project.directory })));
}

const hashes = ({ ends }: RunWatched): Record<string, Record<string, string>> =>
  Object.fromEntries(
    STEPS.map((step) => [
      step,
      Object.fromEntries(ends[step]!.artifacts.map(({ name, hash }: ArtifactRecord) => [name, hash])),
    ]),
  );

test('three scripts run by hand are the templates of a pipeline, here and on an agent', async () => {
  const { project, templates } = await withTemplates();
  const options = { cwd: project.directory };
  expect(templates.map(({ name, status }) => [name, status]).toSorted()).toEqual([
    ['pipeline step 1 dataset artifact', 'completed'],
    // `executeRemotely()`: run by hand they are left as drafts.
    ['pipeline step 2 process dataset', 'created'],
    ['pipeline step 3 train model', 'created'],
  ]);

  const here = await watchRun([CONTROLLER], options);
  expect([here.code, here.by]).toEqual([0, { completed: STEPS }]);
  expect(here.stderr).toContain('for stage_process with');
  expect(here.stderr).toContain('stage_process has ended: completed');
  expect(here.ends['stage_process']!.artifacts.map(({ name }) => name)).toEqual([
    'X_train',
    'X_test',
    'y_train',
    'y_test',
  ]);
  // The override reached the clone: a quarter of 150 flowers is the test.
  const id = here.events[0]!.run;
  expect(await query<number[]>(['get', id, 'stage_process.y_test'], options)).toHaveLength(38);
  expect(
    here.events.flatMap((event) =>
      event.type === 'run.report' && event.report.kind === 'single-value' ? [event.report] : [],
    ),
  ).toEqual([{ kind: 'single-value', name: 'accuracy', value: expect.closeTo(0.947, 2) as number }]);
  const plots = here.events.flatMap((event) =>
    event.type === 'step.report' && event.report.kind === 'plot' ? [event.report.plot] : [],
  );
  expect(plots).toEqual(['confusion-matrix', 'scatter']);
  const clone = await query<Shown>(['task', 'show', `${id}.stage_process`], options);
  expect(JSON.stringify(clone.parameters)).toContain('0.25');

  // Without an agent a run says so at once, and executes the steps itself.
  const other = await watchRun([CONTROLLER, '--queue', 'default', '--param', 'testSize=0.5'], options);
  expect([other.code, other.ends['stage_process']!.status]).toEqual([0, 'completed']);
  expect(
    other.stderr.match(/no agent serves queue "default": the run executes its steps itself/g),
  ).toHaveLength(1);
  expect(await query<number[]>(['get', 'latest', 'stage_process.y_test'], options)).toHaveLength(75);

  const agent = new AgentProcess(['--queue', 'default'], {
    cwd: scratch({}).directory,
    env: { RUN_PIPELINE_HOME: project.path('.run-pipeline') },
  });
  onTestFinished(() => agent.remove());
  await agent.told('agent.start');
  const away = await watchRun([CONTROLLER, '--queue', 'default'], options);
  expect([away.code, away.by]).toEqual([0, { completed: STEPS }]);
  expect(away.events.flatMap((event) => (event.type === 'step.start' ? [typeof event.agent] : []))).toEqual(
    STEPS.map(() => 'string'),
  );
  expect(hashes(away)).toEqual(hashes(here));

  // Clones were executed; the templates are as they were.
  expect(await tasks(project)).toEqual(templates);
});
