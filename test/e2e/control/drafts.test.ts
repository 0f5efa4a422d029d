import { expect, test } from 'vitest';
import { fleet, type Fleet } from '../../rig/agents.js';
import { node } from '../../rig/command.js';
import { inJavaScript } from '../../rig/javascript.js';
import { TRACE } from '../../rig/steps.js';
import { draft as template, LIVE } from '../../rig/templates.js';
import { agentHere, at, onlyRun, traces } from './rig.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const PIPE = `
import { PipelineController, file } from 'run-pipeline';
import { readFileSync } from 'node:fs';
import { trace } from './trace.js';

export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1, description: 'how many' });
pipe.addParameter({ name: 'day', default: new Date('2026-01-02') });
pipe.addParameter({ name: 'text', default: 'a' });
pipe.addParameter({ name: 'data', type: 'file', default: 'data.csv' });
pipe.addFunctionStep({
  name: 'one',
  function: (n: number, day: Date, data: { path: string }) => {
    trace(['one', n, day.toISOString(), readFileSync(data.path, 'utf8')].join(' '));
    return n + 1;
  },
  functionKwargs: { n: '$<pipeline.n>', day: '$<pipeline.day>', data: '$<pipeline.data>' },
});
`;
const TELL = `
import { inspect } from 'node:util';
const tell = (name: string, value: unknown) => console.log(JSON.stringify([name, value ?? null]));
const shown = ({ id, name, project, version, status, parent, parameters }: any) =>
  ({ id, name, project, version, status, parent, parameters });
/** What it is refused with. */
const refused = (promise: Promise<unknown>) =>
  promise.then(() => 'not refused', ({ code, message, help }: any) => ({ code, message, help }));
`;
/** A project with the pipeline, and programs that use it: each file declares it anew. */
const files = async (
  programs: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> => ({
  ...TRACE,
  'data.csv': 'csv',
  'pipe.ts': PIPE,
  ...(await inJavaScript({
    ...TRACE,
    ...Object.fromEntries(Object.entries(programs).map(([name, code]) => [name, `${PIPE}${TELL}${code}`])),
  })),
});

/** What a program told, by name. */
async function program(it: Fleet, file: string): Promise<Readonly<Record<string, any>>> {
  const result = await node([file], at(it));
  expect(result.code, result.stderr).toBe(0);
  const lines = result.stdout.trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, unknown]));
}

const DAY = '2026-01-02T00:00:00.000Z';

test('a draft is edited and enqueued: nothing runs before, the edits count, the number rises', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft({ parameters: { n: 5 } });
tell('draft', shown(draft));
tell('printed', inspect(draft));
await draft.setParameter('n', 7);
await draft.setParameter('day', new Date('2027-01-02'));
await draft.setParameter('data', 'other.csv');
tell('edited', draft.parameters);
tell('early', await draft.waitForStatus('completed', { timeout: 1 }));
tell('queued', (await PipelineController.enqueue(draft)).status);
tell('end', await draft.waitForStatus());
tell('after', shown(await draft.reload()));
`,
    }),
  );
  it.files.write({ 'other.csv': 'other' });
  await watchRun(['pipe.ts'], at(it));
  await agentHere(it, '--queue', 'services');
  const told = await program(it, 'program.js');
  const { id } = told['draft'];
  expect(told['draft']).toEqual({
    id,
    name: 'small',
    project: 'examples',
    status: 'created',
    parameters: { n: 5, day: DAY, text: 'a', data: 'data.csv' },
  });
  expect(told['printed']).toBe(`Pipeline examples/small (${id}) created`);
  const edited = { n: 7, day: '2027-01-02T00:00:00.000Z', text: 'a', data: it.files.path('other.csv') };
  expect(told['edited']).toEqual(edited);
  expect([told['early'], told['queued'], told['end']]).toEqual([null, 'queued', 'completed']);
  expect(told['after']).toEqual({ ...told['draft'], status: 'completed', version: '2', parameters: edited });
  expect(traces(it)).toEqual([`one 1 ${DAY} csv`, 'one 7 2027-01-02T00:00:00.000Z other']);
  expect(await query(['runs'], at(it))).toMatchObject([
    { id, number: 2, version: '2', status: 'completed' },
    { number: 1, version: '1' },
  ]);
  expect(await query(['show', id], at(it))).toMatchObject({ parameters: { n: 7 } });
});

test('a clone has an id of its own and its parent on record; drafts, runs of agents and runs of here can be cloned', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const found = await PipelineController.get({ project: 'examples', name: 'small' });
tell('found', shown(found));
tell('refused', await refused(found.setParameter('n', 2)));
const clone = await found.clone({ name: 'other' });
tell('clone', shown(clone));
await clone.setParameter('n', 8);
await clone.enqueue();
tell('end', await clone.waitForStatus());
const again = await PipelineController.clone({ source: clone.id, project: 'elsewhere' });
tell('again', shown(again));
tell('byId', (await PipelineController.get({ id: again.id })).project);
tell('newest', (await PipelineController.get({ project: 'elsewhere', name: 'other' })).id);
tell('byVersion', (await PipelineController.get({ project: 'examples', name: 'other', version: '1' })).id);
tell('none', await refused(PipelineController.get({ project: 'examples', name: 'othr' })));
tell('noId', await refused(PipelineController.clone({ source: 'nothing' })));
`,
    }),
  );
  await watchRun(['pipe.ts', '--param', 'n=3'], at(it));
  const original = await onlyRun(it);
  await agentHere(it, '--queue', 'services');
  const told = await program(it, 'program.js');
  expect(told['found']).toEqual({
    id: original.id,
    name: 'small',
    project: 'examples',
    version: '1',
    status: 'completed',
    parameters: { n: 3, day: DAY, text: 'a', data: it.files.path('data.csv') },
  });
  expect(told['refused']).toMatchObject({
    code: 'not-a-draft',
    help: expect.stringMatching(/clone/) as string,
  });
  const { id } = told['clone'];
  expect(id).not.toBe(original.id);
  expect(told['clone']).toMatchObject({ name: 'other', status: 'created', parent: original.id });
  expect(told['clone'].version).toBeUndefined();
  expect(told['end']).toBe('completed');
  expect(traces(it)).toEqual([`one 3 ${DAY} csv`, `one 8 ${DAY} csv`]);
  const runs = await it.project.store.findRuns({ pipeline: 'other' });
  expect(runs).toMatchObject([{ id, number: 1, parent: original.id }]);
  expect(told['again']).toMatchObject({ project: 'elsewhere', parent: id, parameters: { n: 8 } });
  expect([told['byId'], told['newest'], told['byVersion']]).toEqual(['elsewhere', told['again'].id, id]);
  expect(told['none']).toMatchObject({
    code: 'unknown-pipeline',
    message: expect.stringMatching(/"othr"/) as string,
  });
  expect(told['noId']).toMatchObject({ code: 'unknown-pipeline' });
});

test('a parameter that is unknown, of a wrong type or cannot be kept is refused, and the draft stays as it is', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
tell('made', await refused(pipe.createDraft({ parameters: { n: 'many', m: 1 } })));
const draft = await pipe.createDraft();
tell('type', await refused(draft.setParameter('n', '7')));
tell('unknown', await refused(draft.setParameter('nn', 7)));
tell('undefined', await refused(draft.setParameter('n', undefined)));
tell('lossy', await refused(draft.setParameter('text', (() => {}) as never)));
tell('proto', await refused(draft.setParameter('__proto__', 7)));
tell('status', await refused(draft.waitForStatus('done' as never)));
tell('timeout', await refused(draft.waitForStatus('queued', { timeout: 'soon' })));
tell('queue', await refused(draft.enqueue('')));
tell('after', draft.parameters);
const empty = new PipelineController({ name: 'needs', project: 'examples' });
empty.addParameter({ name: 'must', type: 'number' });
empty.addFunctionStep({ name: 'a', function: (must: number) => must, functionKwargs: { must: '$<pipeline.must>' } });
const needs = await empty.createDraft();
tell('missing', await refused(needs.enqueue()));
`,
    }),
  );
  const told = await program(it, 'program.js');
  expect(told['made'].message).toMatch(/no parameter `m`[^]*`n` takes a number, not/);
  expect(told['type']).toMatchObject({
    code: 'invalid-parameter',
    message: expect.stringMatching(/takes a number/) as string,
  });
  expect(told['unknown']).toMatchObject({
    code: 'unknown-parameter',
    message: expect.stringMatching(/did you mean "n"/) as string,
  });
  expect(told['undefined'].message).toMatch(/not undefined/);
  expect(told['lossy'].message).toMatch(/takes a text/);
  expect(told['proto']).toMatchObject({ code: 'unknown-parameter' });
  expect(told['status'].message).toMatch(/knows no status 'done'/);
  expect(told['timeout'].message).toMatch(/'soon'/);
  expect(told['queue'].message).toMatch(/name of a queue/);
  expect(told['after']).toEqual({ n: 1, day: DAY, text: 'a', data: 'data.csv' });
  expect(told['missing']).toMatchObject({
    code: 'missing-parameter',
    message: expect.stringMatching(/`must`/) as string,
  });
  expect(await it.project.store.findRuns({})).toEqual([]);
});

test('a draft whose launch or package is gone fails with that reason', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft();
tell('id', draft.id);
`,
    }),
  );
  const { id } = await program(it, 'program.js');
  const { store } = it.project;
  // Somebody edits the record by hand.
  const record = (await store.readTask(id))!;
  const gone = `sha256:${'0'.repeat(64)}`;
  await store.editTask(id, { script: { ...record.script!, launch: gone as never } });
  await store.enqueueTask({ task: id, kind: 'controller', queue: 'services', priority: 0 });
  await agentHere(it, '--queue', 'services');
  expect(await it.ended(id)).toMatchObject({
    status: 'failed',
    error: { code: 'launch-missing', message: expect.stringMatching(/missing from the store/) as string },
  });
  expect(await store.findRuns({})).toEqual([]);
});

test('gc keeps what a draft is made of', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft();
tell('id', draft.id);
`,
      'later.ts': `
const draft = await PipelineController.get({ project: 'examples', name: 'small' });
await draft.enqueue();
tell('end', await draft.waitForStatus());
`,
    }),
  );
  await program(it, 'program.js');
  const { collectGarbage } = await import('../../rig/engine.js');
  await collectGarbage(it.project, { dryRun: false, maxAgeMs: 0, graceMs: 0 });
  await agentHere(it, '--queue', 'services');
  expect(await program(it, 'later.js')).toMatchObject({ end: 'completed' });
});

test('a file drafts its pipeline by run-pipeline, too, and is no run then; plan looks at it', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft();
tell('id', draft.id);
`,
    }),
  );
  const planned = await query<{ readonly steps: readonly unknown[] }>(['plan', 'program.js'], at(it));
  expect(planned.steps).toHaveLength(1);
  const drafted = await runPipeline(['program.js'], at(it));
  expect(drafted).toMatchObject({ code: 0 });
  expect(drafted.stdout).toMatch(/^\["id",/);
  expect(await it.project.store.findRuns({})).toEqual([]);
  expect(await it.project.store.findTasks({ type: ['controller'] })).toMatchObject([{ status: 'created' }]);
});

test('a draft that nobody would take is told of at once', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft();
await draft.enqueue('gpu');
tell('status', draft.status);
`,
    }),
  );
  const result = await node(['program.js'], at(it));
  expect(result.stderr).toBe(
    '▲ no agent serves queue "gpu": the pipeline waits there (start one: run-pipeline agent --queue gpu)\n',
  );
});

test('the run of a draft is made once, even if its process dies right after it was', async () => {
  const it = await fleet(
    await files({
      'program.ts': `
const draft = await pipe.createDraft();
await draft.enqueue();
tell('id', draft.id);
tell('end', await draft.waitForStatus());
`,
    }),
  );
  await it.agent(['--queue', 'services'], {
    cwd: it.files.directory,
    env: { RUN_PIPELINE_CRASH_AT: 'run-created' },
  });
  const { id, end } = await program(it, 'program.js');
  expect(end).toBe('completed');
  expect(await it.project.store.findRuns({})).toMatchObject([{ id, number: 1, epoch: 2 }]);
  expect(traces(it)).toHaveLength(1);
});

test('steps from tasks of a draft are clones of what there is when it runs', async () => {
  const it = await fleet({
    ...TRACE,
    ...LIVE,
    'script.ts': `import { parameter, task } from './live';\nawait task.uploadArtifact('made', parameter('n'));\n`,
    ...(await inJavaScript({
      'program.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'templates', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addStep({ name: 'made', baseTaskName: 'template', parameterOverride: { 'General/n': '$<pipeline.n>' } });
pipe.addFunctionStep({ name: 'last', function: (made: number) => made, functionKwargs: { made: '$<made.made>' } });
${TELL}
const draft = await pipe.createDraft({ parameters: { n: 4 } });
tell('id', draft.id);
`,
    })),
  });
  const first = await template(it.files, { file: 'script.ts', name: 'template' });
  const { id } = await program(it, 'program.js');
  const newest = await template(it.files, { file: 'script.ts', name: 'template' });
  await agentHere(it, '--queue', 'services');
  await it.project.store.enqueueTask({ task: id, kind: 'controller', queue: 'services', priority: 0 });
  expect(await it.ended(id)).toMatchObject({ status: 'completed' });
  expect(await it.project.store.readTask(`${id}.made` as never)).toMatchObject({ parent: newest.id });
  expect(await it.project.store.readTask(first.id)).toMatchObject({ status: 'created' });
  expect(await query(['get', id, 'last.result'], at(it))).toBe(4);
});

test('the command line clones a run of an agent as any task, with other parameters, and enqueues it', async () => {
  const it = await fleet(await files({}));
  await agentHere(it, '--queue', 'services');
  const first = await watchRun(['pipe.ts', '--remote', '--param', 'n=3'], at(it));
  expect(first, first.stderr).toMatchObject({ code: 0 });
  const { id: original } = await onlyRun(it);
  const args = ['--arg', 'General/n=8', '--arg', 'General/day=2027-01-02'];
  const clone = await query<{ readonly id: string }>(['task', 'clone', original, ...args], at(it));
  await query(['task', 'enqueue', clone.id, '--queue', 'services'], at(it));
  expect(await it.ended(clone.id as never)).toMatchObject({ status: 'completed' });
  expect(traces(it)).toEqual([`one 3 ${DAY} csv`, 'one 8 2027-01-02T00:00:00.000Z csv']);
  expect(await query(['runs'], at(it))).toMatchObject([
    { id: clone.id, pipeline: 'small', number: 2 },
    { id: original, pipeline: 'small', number: 1 },
  ]);
  const wrong = await query<{ readonly id: string }>(
    ['task', 'clone', original, '--arg', 'General/n=many'],
    at(it),
  );
  await query(['task', 'enqueue', wrong.id, '--queue', 'services'], at(it));
  expect(await it.ended(wrong.id as never)).toMatchObject({
    status: 'failed',
    error: { code: 'invalid-parameter', message: expect.stringMatching(/`n` takes a number/) as string },
  });
  expect(await it.project.store.findRuns({})).toHaveLength(2);
});

test('a run that failed on an agent is enqueued again: it is the same run, and what it completed is kept', async () => {
  const it = await fleet({
    ...TRACE,
    'pipe.ts': `
import { existsSync } from 'node:fs';
import { PipelineController } from 'run-pipeline';
import { trace } from './trace.js';
export const pipe = new PipelineController({ name: 'fails', project: 'examples' });
pipe.addFunctionStep({ name: 'one', function: () => { trace('one'); return 1; } });
pipe.addFunctionStep({
  name: 'two',
  function: (n: number) => { trace('two'); if (!existsSync('good')) throw new Error('not yet'); return n; },
  functionKwargs: { n: '$<one.result>' },
});
`,
  });
  await agentHere(it, '--queue', 'services');
  expect(await watchRun(['pipe.ts', '--remote'], at(it))).toMatchObject({ code: 1 });
  const { id } = await onlyRun(it);
  await it.ended(id as never);
  it.files.write({ good: '' });
  await query(['task', 'enqueue', id, '--queue', 'services'], at(it));
  const followed = await watchRun(['follow', id], at(it));
  expect(followed, followed.stderr).toMatchObject({ code: 0 });
  expect(traces(it)).toEqual(['one', 'two', 'two']);
  expect(await onlyRun(it)).toMatchObject({ status: 'completed', number: 1 });
});
