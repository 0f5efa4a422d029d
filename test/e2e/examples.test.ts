import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository, scratch, type Scratch } from '../rig/scratch.js';
import { query, runPipeline, watchRun } from '../rig/command.js';

/** The examples in a project of their own, where they may be edited. */
function examples(): Scratch {
  const project = scratch({});
  cpSync(join(repository, 'examples'), project.path('examples'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  const manifest = JSON.parse(readFileSync(join(repository, 'examples/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(manifest.dependencies)) {
    if (name !== 'run-pipeline')
      symlinkSync(join(repository, 'node_modules', name), project.path('node_modules', name));
  }
  return project;
}

test('iris as a class: an accuracy, then nothing to execute, then only the step that was edited', async () => {
  const project = examples();
  const options = { cwd: project.directory };
  const file = 'examples/iris-decorators.ts';
  const first = await watchRun([file], options);
  expect([first.code, first.by]).toEqual([0, { completed: ['step_one', 'step_three', 'step_two'] }]);
  expect(await query<number>(['get', 'latest', 'step_three.accuracy'], options)).toBeGreaterThan(0.8);
  expect(first.ends['step_three']!.artifacts.map(({ name }) => name)).toEqual(['model', 'accuracy']);
  expect(first.ends['step_three']!.dependencies).toMatchObject({
    'ml-cart': expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
  expect(first.events.flatMap((event) => (event.type === 'step.report' ? [event.report] : []))).toMatchObject(
    [{ kind: 'single-value', name: 'accuracy' }],
  );

  const second = await runPipeline([file], options);
  expect([second.code, second.stdout]).toEqual([
    0,
    expect.stringMatching(/nothing to execute: all 3 steps cached/) as string,
  ]);

  const source = readFileSync(project.path(file), 'utf8');
  expect(source).toContain('maxDepth: 3');
  project.write({ [file]: source.replace('maxDepth: 3', 'maxDepth: 2') });
  const plan = await query<{ steps: { name: string; action: string; reasons: string[] }[] }>(
    ['plan', file],
    options,
  );
  expect(plan.steps.map(({ name, action }) => `${name} ${action}`)).toEqual([
    'step_one cached',
    'step_two cached',
    'step_three run',
  ]);
  expect(plan.steps[2]!.reasons.join()).toMatch(/step_three.*iris-decorators\.ts:\d+.*changed/);
  const third = await watchRun([file], options);
  expect(third.by).toEqual({ cached: ['step_one', 'step_two'], completed: ['step_three'] });
  expect(third.ends['step_three']!.why).toEqual(plan.steps[2]!.reasons);
});

test('iris as a controller, and its own last line', async () => {
  const options = { cwd: examples().directory };
  const file = 'examples/iris-functions.ts';
  const first = await runPipeline([file], options);
  expect(first.stdout).toMatch(/completed: accuracy 0\.\d{3}/);
  const second = await watchRun([file], options);
  expect([second.code, second.by]).toEqual([0, { cached: ['step_one', 'step_three', 'step_two'] }]);
  const deeper = await watchRun([file, '--param', 'max_depth=4'], options);
  expect(deeper.by).toEqual({ cached: ['step_one', 'step_two'], completed: ['step_three'] });
});

test('iris as a pipeline function: a loop, a branch and its scalars', async () => {
  const options = { cwd: examples().directory };
  const file = 'examples/iris-scoring.ts';
  const first = await watchRun([file], options);
  const names = ['load', 'publish', 'score', 'score_1', 'score_2', 'score_3', 'split'];
  expect([first.code, first.by]).toEqual([0, { completed: names }]);
  const scalars = first.events.flatMap((event) => (event.type === 'step.report' ? [event.report] : []));
  expect(scalars).toHaveLength(4);
  expect(scalars[0]).toMatchObject({ kind: 'scalar', title: 'accuracy' });
  const second = await watchRun([file], options);
  expect(second.by).toEqual({ cached: names });
  const other = await watchRun([file, '--param', 'depths=[5,1]', '--param', 'wanted=1'], options);
  expect(other.by).toEqual({ cached: ['load', 'score', 'score_1', 'split'], completed: ['giveUp'] });
});

test('the report a backend engineer writes: validated, in parallel, with a table', async () => {
  const options = { cwd: examples().directory };
  const file = 'examples/movies-report.ts';
  const first = await watchRun([file], options);
  expect([first.code, first.by.failed]).toEqual([0, undefined]);
  expect(await query<string>(['get', 'latest', 'report.report'], options)).toMatch(
    /movies {2}rated[\s\S]*rows were rejected$/,
  );
  expect(first.events.find((event) => event.type === 'step.report')).toMatchObject({
    report: { kind: 'table', title: 'genres' },
  });
  const second = await watchRun([file], options);
  expect(second.by.completed).toBeUndefined();
  const wrong = await runPipeline([file, '--param', 'minVotes=-1'], options);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/minVotes/) as string]);
});

test('check finds nothing wrong with the examples, types included', async () => {
  const names = readdirSync(`${repository}/examples`).filter((name) =>
    /^(?:iris|movies)[a-z-]*\.ts$/.test(name),
  );
  expect(names.length).toBeGreaterThanOrEqual(4);
  for (const name of names) {
    const { ok, diagnostics } = await query<{ ok: boolean; diagnostics: unknown[] }>(
      ['check', `examples/${name}`],
      { cwd: repository, env: { RUN_PIPELINE_HOME: scratch({}).path('.run-pipeline') } },
    );
    expect({ name, ok, diagnostics }).toEqual({ name, ok: true, diagnostics: [] });
  }
});
