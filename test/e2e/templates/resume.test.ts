import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { foldEvents } from '@run-pipeline/core/run-view';
import type { RunId, TaskRecord } from '@run-pipeline/core/model';
import { Controller, TIMEOUT_MS } from '../../rig/crash.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { draft, LIVE, withState } from '../../rig/templates.js';
import { TRACE } from '../../rig/steps.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const FILES = {
  ...LIVE,
  ...TRACE,
  'data.ts': `import { task, parameter } from './live';
import { trace } from './trace';
trace(task.id.split('.')[1] + ' ' + task.attempt);
await task.setProgress(10);
task.connect({ connected: task.attempt });
// Larger than what rides along with a commit.
await task.uploadArtifact('rows', Array.from({ length: 20_000 }, (_, index) => index + Number(parameter('from') ?? 0)));
await task.uploadArtifact('last', 20_000 - 1 + Number(parameter('from') ?? 0));
await task.setProgress(100);
`,
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
import { trace } from './trace';
const pipe = new PipelineController({ name: 'resumed', project: 'examples' });
pipe.addStep({ name: 'one', baseTaskName: 'data' });
pipe.addStep({ name: 'two', baseTaskName: 'data', parameterOverride: { 'General/from': '$<one.last>', 'General/made_by': '$<one.id>' },
  preExecuteCallback: (_pipe, _node, parameters) => { parameters['General/edited'] = parameters['General/from'] + 1; } });
pipe.addFunctionStep({ name: 'three', function: (last: number, connected: number) => [last, connected], functionKwargs: { last: '$<two.last>', connected: '$<two.parameters.General/connected>' } });
export default pipe;
`,
};
const traced = (project: Scratch): readonly string[] =>
  existsSync(project.path('trace.txt'))
    ? readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n')
    : [];

/** Whatever happened on the way, the run and its records tell the same. */
async function verify(project: Scratch, templates: readonly TaskRecord[]): Promise<void> {
  await withState(project, async ({ store }) => {
    const [run, ...others] = await store.findRuns({});
    expect(others).toEqual([]);
    expect(run!.status).toBe('completed');
    const view = foldEvents(await store.readEvents(run!.id));
    for (const step of ['one', 'two']) {
      const shown = view.steps.get(step as never)!;
      const record = await store.readTask(`${run!.id}.${step}` as never);
      const uploads = await store.readTaskArtifacts(record!.id);
      expect(record).toMatchObject({
        status: 'completed',
        run: run!.id,
        step,
        parent: templates[0]!.id,
        attempt: shown.attempts,
        progress: 100,
        parameters: { General: { connected: { json: shown.attempts } } },
      });
      expect(uploads.map(({ record: { name, hash } }) => [name, hash])).toEqual(
        shown.artifacts.map(({ name, hash }) => [name, hash]),
      );
      if (step === 'two')
        expect(record!.parameters['General']).toMatchObject({
          from: { json: 19_999 },
          made_by: { json: `${run!.id}.one` },
          edited: { json: 20_000 },
        });
      const executed = traced(project).filter((line) => line.startsWith(`${step} `));
      expect(new Set(executed).size, 'no attempt is executed twice').toBe(executed.length);
      expect(executed.at(-1)).toBe(`${step} ${shown.attempts}`);
    }
    for (const template of templates) expect(await store.readTask(template.id)).toEqual(template);
    expect(await store.findTasks({ run: run!.id, steps: true })).toHaveLength(2);
  });
  const two = await query<number[]>(['get', 'latest', 'three'], { cwd: project.directory });
  expect(two[0]).toBe(39_998);
}

/** Where the run is killed, and each process that resumes it after that. */
const KILLS = [
  [
    'run-created',
    // Of the first step,
    'record-made',
    'after-claim',
    'after-execute',
    'after-end',
    // and of the second one.
    'record-made',
    'after-claim',
    'after-execute',
    'after-end',
  ],
  ['before-commit:5'],
  ['after-commit:6'],
  ['after-commit:9'],
];

test.each(KILLS)(
  'killed at %s and wherever else, a run goes on with the tasks that it began with',
  { timeout: TIMEOUT_MS },
  async (...points) => {
    const project = scratch(FILES);
    const templates = [await draft(project, { file: 'data.ts', name: 'data' })];
    let done: readonly string[] = [];
    for (const [index, point] of points.entries()) {
      const killed = await runPipeline(index === 0 ? ['pipe.ts'] : ['resume', 'latest'], {
        cwd: project.directory,
        env: { RUN_PIPELINE_CRASH_AT: point },
      });
      expect({ point, signal: killed.signal, stderr: killed.stderr }).toMatchObject({
        point,
        signal: 'SIGKILL',
      });
      expect(traced(project).slice(0, done.length)).toEqual(done);
      done = traced(project);
      if (index > 0) continue;
      // Whoever makes the task anew meanwhile does not change what this run is.
      writeFileSync(project.path('data.ts'), `import './live';\nthrow new Error('another script');\n`);
      const edit = { parameters: { General: { from: { json: 5 } } } };
      templates.push(await draft(project, { file: 'data.ts', name: 'data', edit }));
    }
    const resumed = await watchRun(['resume', 'latest'], { cwd: project.directory });
    expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
    expect(traced(project).slice(0, done.length)).toEqual(done);
    await verify(project, templates);
  },
);

test('killed in the middle of a script, its uploads and what it said are those of the attempt that completed', async () => {
  const project = scratch({
    ...FILES,
    'data.ts': FILES['data.ts'].replace(
      'await task.setProgress(100);',
      `await task.uploadArtifact('of_' + task.attempt, 1);
trace('here');
if (task.attempt === 1) await new Promise((done) => setTimeout(done, 60_000));
await task.setProgress(100);`,
    ),
  });
  const template = await draft(project, { file: 'data.ts', name: 'data' });
  const controller = new Controller(['pipe.ts'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_LEASE_MS: '1000' },
  });
  const start = await controller.printed((event) => event.type === 'step.start');
  const id = `${start!.run}.one` as never;
  // While it runs, its record tells what it has uploaded.
  await withState(
    project,
    ({ store }) =>
      new Promise<void>((resolve) => {
        const look = (): void =>
          void store.readTaskArtifacts(id).then((uploads) => {
            if (uploads.some(({ record }) => record.name === 'of_1')) resolve();
          });
        const unwatch = store.watch(look);
        look();
        void controller.ended.then(unwatch);
      }),
  );
  await withState(project, async ({ store }) => {
    expect(await store.readTask(id)).toMatchObject({
      status: 'running',
      attempt: 1,
      progress: 10,
      parameters: { General: { connected: { json: 1 } } },
    });
  });
  controller.kill();
  await controller.ended;
  // The first step completes at its second attempt; the second one waits at its first, and is killed, too.
  const second = new Controller(['resume', 'latest'], { cwd: project.directory, env: {} });
  await second.printed((event) => event.type === 'step.end' && event.step === 'one');
  await second.printed((event) => event.type === 'step.start' && event.step === 'two');
  second.kill();
  await second.ended;
  const run = start!.run as RunId;
  const shown = await withState(project, async ({ store }) =>
    foldEvents(await store.readEvents(run)).steps.get('one' as never),
  );
  expect(shown).toMatchObject({ attempts: 2, status: 'completed' });
  expect(shown!.artifacts.map(({ name }) => name)).toEqual(['rows', 'last', 'of_2']);
  const third = await watchRun(['resume', 'latest'], { cwd: project.directory });
  expect(third.code).toBe(0);
  await verify(project, [template]);
});

test('what a killed run had taken from the cache is still known by the task that made it', async () => {
  const pipe = (name: string, steps: string): string => `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: '${name}', project: 'examples' });
${steps}
export default pipe;
`;
  const project = scratch({
    ...FILES,
    'first.ts': pipe(
      'first',
      `pipe.addStep({ name: 'made', baseTaskName: 'data', cacheExecutedStep: true });`,
    ),
    'second.ts': pipe(
      'second',
      `pipe.addStep({ name: 'taken', baseTaskName: 'data', cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'slow', function: async (id: string) => { if (process.env.SLOW) await new Promise((done) => setTimeout(done, 60_000)); return id; }, functionKwargs: { id: '$<taken.id>' }, parents: ['taken'] });
pipe.addFunctionStep({ name: 'reader', function: (id: string, seed: number) => [id, seed], functionKwargs: { id: '$<taken.id>', seed: '$<taken.parameters.General/connected>' }, parents: ['slow'] });`,
    ),
  });
  await draft(project, { file: 'data.ts', name: 'data' });
  const options = { cwd: project.directory };
  const { events } = await watchRun(['first.ts'], options);
  const made = `${events[0]!.run}.made`;
  const controller = new Controller(['second.ts'], { ...options, env: { SLOW: '1' } });
  await controller.printed((event) => event.type === 'step.start' && event.step === 'slow');
  controller.kill();
  await controller.ended;
  expect((await watchRun(['resume', 'latest'], options)).code).toBe(0);
  expect(await query(['get', 'latest', 'reader'], options)).toEqual([made, 1]);
});
