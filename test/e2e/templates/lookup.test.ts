import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { draft, LIVE, withState } from '../../rig/templates.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const DATA = { 'data.ts': `import { task } from './live';\nawait task.uploadArtifact('made', 'first');\n` };
const pipe = (...steps: readonly string[]): Record<string, string> => ({
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'look-up', project: 'examples' });
pipe.addParameter({ name: 'file', type: 'file', default: 'data.ts' });
${steps.join('\n')}
export default pipe;
`,
});

interface Checked {
  readonly ok: boolean;
  readonly diagnostics: readonly {
    readonly code: string;
    readonly message: string;
    readonly at: string;
    readonly help?: string;
  }[];
}

/** What `check` finds; run and plan end with the same, before anything runs. */
async function findings(project: Scratch): Promise<Checked['diagnostics']> {
  const options = { cwd: project.directory };
  const checked = await runPipeline(['check', 'pipe.ts', '--json'], options);
  expect(checked.code).toBe(2);
  const { diagnostics } = JSON.parse(checked.stdout) as Checked;
  for (const args of [['pipe.ts'], ['plan', 'pipe.ts']]) {
    const ended = await runPipeline(args, options);
    expect(ended.code).toBe(2);
    for (const { message, at } of diagnostics) {
      expect(ended.stderr).toContain(message);
      expect(ended.stderr).toContain(at);
    }
  }
  expect(await query(['runs'], options)).toEqual([]);
  return diagnostics;
}

test('a task that is not there is told at its step, with what was meant and how to make it; graph does not look', async () => {
  const project = scratch({
    ...LIVE,
    ...DATA,
    ...pipe(
      `pipe.addStep({ name: 'a', baseTaskName: 'pipeline step1' });`,
      `pipe.addStep({ name: 'b', baseTaskProject: 'elsewhere', baseTaskName: 'pipeline step 1' });`,
      `pipe.addStep({ name: 'c', baseTaskId: 'nobody' });`,
      `pipe.addStep({ name: 'd', baseTaskName: 'pipeline step 1' });`,
    ),
  });
  const graph = await query(['graph', 'pipe.ts', '--format', 'json'], { cwd: project.directory });
  expect(graph).toMatchObject({ nodes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }] });

  // Nothing is recorded yet, and asking does not make a state.
  const before = await runPipeline(['check', 'pipe.ts'], { cwd: project.directory });
  expect(before.code).toBe(2);
  expect(before.stdout).toContain('step `d`: there is no task "pipeline step 1" of project "examples"');
  expect(before.stdout).toContain(
    "Make it, once: run-pipeline task create SCRIPT.ts --project examples --name 'pipeline step 1'",
  );

  await draft(project, { file: 'data.ts', name: 'pipeline step 1' });
  const found = await findings(project);
  expect(found.map(({ code, message, at }) => [code, message, at])).toEqual([
    [
      'unknown-base-task',
      'step `a`: there is no task "pipeline step1" of project "examples" (did you mean "pipeline step 1"?)',
      'pipe.ts:4:6',
    ],
    [
      'unknown-base-task',
      'step `b`: there is no task "pipeline step 1" of project "elsewhere" (there is one in project "examples")',
      'pipe.ts:5:6',
    ],
    ['unknown-base-task', 'step `c`: there is no task nobody', 'pipe.ts:6:6'],
  ]);
  const { stderr } = await runPipeline(['pipe.ts'], { cwd: project.directory });
  expect(stderr).toMatch(/> 4 │ pipe\.addStep\(\{ name: 'a', baseTaskName: 'pipeline step1' \}\);/);
});

test('a task without code, one that has lost it, and one that is no draft are refused', async () => {
  const project = scratch({ ...LIVE, ...DATA });
  await withState(project, ({ store }) =>
    store.createTask({
      id: 'no-code' as never,
      project: 'examples',
      name: 'no code',
      type: 'custom',
      edit: {},
    }),
  );
  await withState(project, ({ store }) =>
    store.createTask({
      id: 'pipe' as never,
      project: 'examples',
      name: 'a pipeline',
      type: 'controller',
      edit: {},
    }),
  );
  const lost = await draft(project, { file: 'data.ts', name: 'lost' });
  const ended = await draft(project, { file: 'data.ts', name: 'ended' });
  await withState(project, ({ store }) => store.publishTask(ended.id));
  project.write(
    pipe(
      `pipe.addStep({ name: 'a', baseTaskName: 'no code' });`,
      `pipe.addStep({ name: 'b', baseTaskName: 'a pipeline' });`,
      `pipe.addStep({ name: 'c', baseTaskId: '${ended.id}', cloneBaseTask: false });`,
    ),
  );
  expect((await findings(project)).map(({ code, message }) => [code, message])).toEqual([
    [
      'base-task-without-code',
      'step `a`: the task "no code" of project "examples" holds no code that could be executed',
    ],
    [
      'base-task-without-code',
      'step `b`: the task "a pipeline" of project "examples" is the controller of a pipeline, which cannot be a step',
    ],
    [
      'base-task-not-draft',
      'step `c`: the task "ended" of project "examples" is published, and cloneBaseTask: false executes the task itself, which must be a draft',
    ],
  ]);
  rmSync(join(project.directory, '.run-pipeline', 'packages'), { recursive: true });
  project.write(pipe(`pipe.addStep({ name: 'a', baseTaskId: '${lost.id}' });`));
  expect(await findings(project)).toMatchObject([
    { code: 'base-task-package', help: expect.stringMatching(/task create data\.ts/) as string },
  ]);
});

test('an override that no record can keep is told before anything runs', async () => {
  const project = scratch({ ...LIVE, ...DATA });
  await draft(project, { file: 'data.ts', name: 'one' });
  project.write(
    pipe(
      `pipe.addStep({ name: 'a', baseTaskName: 'one', parameterOverride: { 'General/bytes': new Uint8Array(3) } });`,
      `pipe.addStep({ name: 'b', baseTaskName: 'one', configurationOverrides: { model: { layers: [{ activate: () => 1 }] } } });`,
      `pipe.addStep({ name: 'c', baseTaskName: 'one', parameterOverride: { 'General/text': 'x'.repeat(2_000_000) } });`,
    ),
  );
  expect((await findings(project)).map(({ code, message }) => [code, message])).toEqual([
    ['artifact-lossy', expect.stringMatching(/^step `a`: parameterOverride\["General\/bytes"\] holds bytes/)],
    [
      'artifact-lossy',
      expect.stringMatching(
        /^step `b`: configurationOverrides\["model"\]\.layers\[0\]\.activate is a function/,
      ),
    ],
    [
      'override-size',
      expect.stringMatching(/^step `c`: parameterOverride\["General\/text"\] has 2000\d+ characters/),
    ],
  ]);
  project.write(
    pipe(
      `pipe.addStep({ name: 'a', baseTaskName: 'one', parameterOverride: { 'General/file': '$<pipeline.file>' } as {} });`,
    ),
  );
  expect((await findings(project)).map(({ code, message }) => [code, message])).toEqual([
    ['file-override', 'step `a`: `$<pipeline.file>`: `file` is a file, and a parameter of a task is a value'],
  ]);
});

test('an override of a parameter that the task does not have is a warning, not more', async () => {
  const project = scratch({
    ...LIVE,
    ...DATA,
    ...pipe(
      `pipe.addStep({ name: 'slip', baseTaskName: 'known', parameterOverride: { 'General/epochz': 1 } });`,
      `pipe.addStep({ name: 'right', baseTaskName: 'known', parameterOverride: { 'General/epochs': 1, 'General/other': 2 } });`,
      `pipe.addStep({ name: 'ran', baseTaskName: 'ran', parameterOverride: { 'General/other': 2 } });`,
      `pipe.addStep({ name: 'unknown', baseTaskName: 'bare', parameterOverride: { 'General/epochz': 1 } });`,
    ),
  });
  const edit = { parameters: { General: { epochs: { json: 3 } } } };
  await draft(project, { file: 'data.ts', name: 'known', edit });
  await draft(project, { file: 'data.ts', name: 'bare' });
  const options = { cwd: project.directory };
  await runPipeline(
    ['task', 'run', 'data.ts', '--project', 'examples', '--name', 'ran', '--arg', 'epochs=3'],
    options,
  );
  const said =
    'step `slip`: the task "known" of project "examples" has no parameter General/epochz (did you mean "General/epochs"?); it is added';
  const checked = await runPipeline(['check', 'pipe.ts', '--json'], options);
  const ran = 'step `ran`: the task "ran" of project "examples" has no parameter General/other; it is added';
  const severity = 'warning';
  const help = 'It has General/epochs.';
  expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([
    0,
    {
      ok: true,
      diagnostics: [
        { severity, message: said, help },
        { severity, message: ran, help },
      ],
    },
  ]);
  for (const args of [['plan', 'pipe.ts'], ['pipe.ts']]) {
    const ended = await runPipeline(args, options);
    expect(ended.code).toBe(0);
    const warnings = `${ended.stdout}${ended.stderr}`
      .split('\n')
      .filter((line) => line.includes('has no parameter'));
    expect(warnings).toEqual([said, ran].map((line) => `▲ ${line}`));
  }
});

test('one draft is not executed by two steps', async () => {
  const project = scratch({
    ...LIVE,
    ...DATA,
    ...pipe(
      `pipe.addStep({ name: 'a', baseTaskName: 'one', cloneBaseTask: false });`,
      `pipe.addStep({ name: 'b', baseTaskName: 'one' });`,
      `pipe.addStep({ name: 'c', baseTaskName: 'one', cloneBaseTask: false });`,
    ),
  });
  await draft(project, { file: 'data.ts', name: 'one' });
  expect((await findings(project)).map(({ code, message }) => [code, message])).toEqual([
    [
      'base-task-twice',
      'step `c`: the task "one" of project "examples" is executed by step `a` already, and with cloneBaseTask: false a task is executed once',
    ],
  ]);
});

test('a name means the newest task that is no step; an id means that task', async () => {
  const project = scratch({ ...LIVE, ...DATA });
  const options = { cwd: project.directory };
  const first = await draft(project, { file: 'data.ts', name: 'one' });
  project.write({ 'data.ts': DATA['data.ts'].replace('first', 'second') });
  await draft(project, { file: 'data.ts', name: 'one' });
  await draft(project, { file: 'data.ts', name: 'one', project: 'others' });
  project.write(
    pipe(
      `pipe.addStep({ name: 'named', baseTaskName: 'one' });`,
      `pipe.addStep({ name: 'known', baseTaskId: '${first.id}' });`,
    ),
  );
  for (const _ of [1, 2]) {
    // The second time there are clones of the same names.
    const { ends } = await watchRun(['pipe.ts'], options);
    expect(ends['named']!.artifacts).toMatchObject([{ preview: '"second"' }]);
    expect(ends['known']!.artifacts).toMatchObject([{ preview: '"first"' }]);
  }
  const tasks = await withState(project, ({ store }) =>
    store.findTasks({ project: 'examples', name: 'one', steps: true }),
  );
  expect(tasks).toHaveLength(6);
});

test('a script that reads the environment without saying what cannot be cached', async () => {
  const project = scratch({
    ...LIVE,
    'data.ts': `import './live';\nconst name: string = ['HO', 'ME'].join('');\nconsole.log(process.env[name] !== undefined);\n`,
    ...pipe(`pipe.addStep({ name: 'a', baseTaskName: 'one', cacheExecutedStep: true });`),
  });
  await draft(project, { file: 'data.ts', name: 'one' });
  expect((await findings(project)).map(({ code, message }) => [code, message])).toEqual([
    [
      'dynamic-env-in-cached-step',
      'step `a`: its script (data.ts:3:13) reads process.env in a way that does not tell which variables, so its result cannot be cached',
    ],
  ]);
  project.write(pipe(`pipe.addStep({ name: 'a', baseTaskName: 'one' });`));
  expect((await watchRun(['pipe.ts'], { cwd: project.directory })).by).toEqual({ completed: ['a'] });
});

test('an environment variable that a script reads by name is a part of the fingerprint', async () => {
  const project = scratch({
    ...LIVE,
    'data.ts': `import { task } from './live';\nawait task.uploadArtifact('mode', process.env.MODE ?? 'none');\n`,
    ...pipe(`pipe.addStep({ name: 'a', baseTaskName: 'one', cacheExecutedStep: true });`),
  });
  await draft(project, { file: 'data.ts', name: 'one' });
  const status = async (MODE: string) =>
    (await watchRun(['pipe.ts'], { cwd: project.directory, env: { MODE } })).ends['a'];
  expect(await status('fast')).toMatchObject({ status: 'completed', artifacts: [{ preview: '"fast"' }] });
  expect(await status('fast')).toMatchObject({ status: 'cached' });
  expect(await status('slow')).toMatchObject({
    status: 'completed',
    why: ['environment variable MODE changed'],
    artifacts: [{ preview: '"slow"' }],
  });
});
