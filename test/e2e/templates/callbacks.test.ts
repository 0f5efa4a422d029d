import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { node } from '../../rig/command.js';
import { Controller } from '../../rig/crash.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { draft, LIVE, taskOf } from '../../rig/templates.js';
import { TRACE } from '../../rig/steps.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const FILES = {
  ...LIVE,
  ...TRACE,
  'data.ts': `import { task } from './live';
await task.uploadArtifact('given', task.getParameters());
`,
};
const pipe = (steps: string, end = 'export default pipe;'): Record<string, string> => ({
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
import { trace } from './trace';
const pipe = new PipelineController({ name: 'called', project: 'examples' });
const told = { statusChangeCallback: (_pipe: unknown, node: any, previous: string) => trace([node.name, previous, node.status].join(' ')),
  postExecuteCallback: (_pipe: unknown, node: any) => trace('after ' + node.name + ' ' + node.status) };
${steps}
${end}
`,
});
const traced = (project: Scratch): readonly string[] =>
  existsSync(project.path('trace.txt'))
    ? readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n')
    : [];

test('the pre-execute callback sees the overrides by their keys, once, and edits them before the fingerprint', async () => {
  const project = scratch({
    ...FILES,
    ...pipe(`
pipe.addStep({
  name: 'data', baseTaskName: 'data', cacheExecutedStep: true, ...told,
  parameterOverride: { 'General/size': 1, 'General/gone': 2, 'General/kept': [1] },
  configurationOverrides: { model: { depth: 1 } },
  taskOverrides: { comment: 'as declared' },
  preExecuteCallback: (_pipe, node, parameters) => {
    trace(JSON.stringify([node.status, node.baseTaskId, node.executed, node.queue ?? null, parameters]));
    parameters['General/size'] = 5;
    delete parameters['General/gone'];
    parameters['Other/added'] = new Date(0);
    (parameters['configuration:model'] as any).depth = 2;
    parameters['task:comment'] = 'as edited';
  },
});`),
  });
  const options = { cwd: project.directory };
  const base = await draft(project, {
    file: 'data.ts',
    name: 'data',
    edit: { parameters: { General: { gone: { json: 'its own' } } } },
  });
  const first = await watchRun(['pipe.ts'], options);
  expect(first).toMatchObject({ code: 0, by: { completed: ['data'] } });
  const id = `${first.events[0]!.run}.data`;
  const [seen, ...rest] = traced(project);
  expect(JSON.parse(seen!)).toEqual([
    'created',
    base.id,
    id,
    null,
    {
      'General/size': 1,
      'General/gone': 2,
      'General/kept': [1],
      'configuration:model': { depth: 1 },
      'task:comment': 'as declared',
    },
  ]);
  expect(rest).toEqual([
    'data created queued',
    'data queued running',
    'data running completed',
    'after data completed',
  ]);
  const parameters = {
    General: { gone: { json: 'its own' }, size: { json: 5 }, kept: { json: [1] } },
    Other: { added: { json: '1970-01-01T00:00:00.000Z', meta: { values: ['Date'], v: 1 } } },
  };
  expect(await taskOf(project, id)).toMatchObject({
    parameters,
    configurations: { model: { json: { depth: 2 } } },
    comment: 'as edited',
  });
  expect(await query(['get', 'latest', 'data'], options)).toMatchObject({
    json: {
      'General/gone': 'its own',
      'General/size': 5,
      'General/kept': [1],
      'Other/added': '1970-01-01T00:00:00.000Z',
    },
  });
  const plan = await query<{ steps: readonly object[] }>(['plan', 'pipe.ts'], options);
  expect(plan.steps).toMatchObject([{ action: 'depends' }]);
  const again = await watchRun(['pipe.ts'], options);
  expect(again.by).toEqual({ cached: ['data'] });
  expect(traced(project).slice(6)).toEqual(['data created cached', 'after data cached']);
});

test('no skips the step and what follows; nonsense fails the run with its reason, and nothing executes', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  const base = await draft(project, { file: 'data.ts', name: 'data' });
  project.write(
    pipe(`
pipe.addStep({ name: 'data', baseTaskName: 'data', ...told, preExecuteCallback: () => false });
pipe.addStep({ name: 'after', baseTaskName: 'data', parents: ['data'], ...told });`),
  );
  const skipped = await watchRun(['pipe.ts'], options);
  expect(skipped.by).toEqual({ skipped: ['after', 'data'] });
  expect(traced(project)).toEqual(['data created skipped', 'after created skipped']);

  const edits: readonly (readonly [string, RegExp])[] = [
    [`parameters.size = 1`, /set "size", which is no parameter of a task/],
    [`parameters['General/f'] = () => 1`, /parameterOverride\["General\/f"\] is a function/],
    [`parameters['task:type'] = 'gpu'`, /taskOverrides\.type takes one of training, .*, not "gpu"/],
    [`parameters['task:tags'] = 'gpu'`, /taskOverrides\.tags takes a list of texts, not "gpu"/],
    [`throw new Error('not today')`, /preExecuteCallback of data threw: not today/],
  ];
  for (const [edit, message] of edits) {
    project.write(
      pipe(
        `pipe.addStep({ name: 'data', baseTaskName: 'data', preExecuteCallback: (_pipe, _node, parameters) => { ${edit}; } });`,
      ),
    );
    const run = await watchRun(['pipe.ts'], options);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(message);
    expect(run.events.at(-1)).toMatchObject({
      type: 'run.end',
      status: 'failed',
      error: { message: expect.stringMatching(message) as string },
    });
    expect(run.events.some(({ type }) => type === 'step.start')).toBe(false);
  }
  expect(await taskOf(project, base.id)).toEqual(base);
});

const STOPS = `
pipe.addFunctionStep({
  name: 'first', function: () => 1,
  postExecuteCallback: async () => {
    trace([pipe.isRunning(), pipe.getProcessedNodes().map(({ name, status }) => name + ' ' + status), pipe.elapsed() >= 0].join(' '));
    trace('waited ' + await pipe.wait(1));
    await pipe.wait().catch((error: any) => trace(error.code));
    await pipe.stop();
    trace('asked');
  },
});
pipe.addStep({ name: 'second', baseTaskName: 'data', parents: ['first'] });`;

test.each([
  [
    'exported',
    'export default pipe;',
    (project: Scratch) => runPipeline(['pipe.ts'], { cwd: project.directory }),
  ],
  [
    'starting itself',
    'await pipe.start();',
    (project: Scratch) => runPipeline(['pipe.ts'], { cwd: project.directory }),
  ],
  [
    'as a program',
    `const run = await pipe.start();\ntrace([run.status, pipe.isRunning(), pipe.isSuccessful(), pipe.getProcessedNodes().length].join(' '));`,
    (project: Scratch) => node(['pipe.js'], { cwd: project.directory }),
  ],
])('stop() and wait() in a callback do not wait for themselves (%s)', async (how, end, start) => {
  const project = scratch({ ...FILES, ...pipe(STOPS, end) });
  await draft(project, { file: 'data.ts', name: 'data' });
  if (how === 'as a program') {
    const source = pipe(STOPS, end)['pipe.ts']!;
    const script = source.replaceAll(/: (?:unknown|any|string)\b/g, '').replace("'./trace'", "'./trace.js'");
    project.write({
      'pipe.js': script,
      'trace.js': `import { appendFileSync } from 'node:fs';\nexport const trace = (word) => appendFileSync('trace.txt', word + '\\n');\n`,
    });
  }
  const { code, stdout, stderr } = await start(project);
  expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(/called #1 aborted/)]);
  expect(traced(project)).toEqual([
    'true first completed true',
    'waited false',
    'wait-in-callback',
    'asked',
    ...(how === 'as a program' ? ['aborted false false 2'] : []),
  ]);
  const shown = await query<{ status: string; steps: readonly { name: string; status: string }[] }>(
    ['show', 'latest'],
    { cwd: project.directory },
  );
  expect(shown).toMatchObject({ status: 'aborted', steps: [{ status: 'completed' }, { status: 'skipped' }] });
});

test('in a resumed run a callback can still look at its nodes and stop it', async () => {
  const project = scratch({
    ...FILES,
    ...pipe(`
pipe.addFunctionStep({ name: 'first', function: () => 1 });
pipe.addFunctionStep({ name: 'second', function: async (n: number) => { await new Promise((done) => setTimeout(done, process.env.QUICK ? 0 : 60_000)); return n; }, functionKwargs: { n: '$<first.result>' },
  env: [],
  postExecuteCallback: async () => { trace(pipe.getProcessedNodes().map(({ name, status }) => name + ' ' + status).join(', ')); await pipe.stop(); } });
pipe.addStep({ name: 'third', baseTaskName: 'data', parents: ['second'] });`),
  });
  await draft(project, { file: 'data.ts', name: 'data' });
  const controller = new Controller(['pipe.ts'], { cwd: project.directory, env: {} });
  await controller.printed((event) => event.type === 'step.start' && event.step === 'second');
  controller.kill();
  await controller.ended;
  const resumed = await watchRun(['resume', 'latest'], { cwd: project.directory, env: { QUICK: '1' } });
  expect(resumed.events.at(-1)).toMatchObject({ type: 'run.end', status: 'aborted' });
  expect(traced(project)).toEqual(['first completed, second completed']);
});

test('a callback that does not come back holds up a stopped run for the grace period only', async () => {
  const project = scratch({
    ...FILES,
    ...pipe(
      `pipe.addFunctionStep({ name: 'first', function: () => 1, postExecuteCallback: () => { trace('here'); return new Promise(() => setInterval(() => {}, 1000)); } });`,
    ),
  });
  const controller = new Controller(['pipe.ts'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_GRACE_MS: '100' },
  });
  await controller.printed((event) => event.type === 'step.end');
  controller.kill('SIGINT');
  expect((await controller.ended).code).toBe(130);
});
