import { setRunHost, type PipelineTasks, type Run, type RunHost } from '@run-pipeline/core/define';
import { afterEach, expect, test } from 'vitest';
import { loadBundle } from './load.js';
import { builtFramework, scratchProject } from './scratch-project.test-support.js';

/** What comes to the host that was there before: the names of pipelines, and what else was asked for. */
function hostBefore(): { readonly asked: string[]; readonly host: RunHost } {
  const asked: string[] = [];
  const ask = (what: string) => {
    asked.push(what);
    return Promise.resolve({ id: what } as never);
  };
  const pipelines: PipelineTasks = {
    draft: (subject) => ask(`draft ${(subject as { name: string }).name}`),
    find: (query) => ask(`find ${JSON.stringify(query)}`),
    clone: (source) => ask(`clone ${source}`),
    enqueue: (task) => ask(`enqueue ${task}`),
  };
  return {
    asked,
    host: { run: (subject) => ask(`run ${(subject as { name: string }).name}`) as Promise<Run>, pipelines },
  };
}

afterEach(() => {
  setRunHost(undefined);
  delete (globalThis as { told?: unknown }).told;
});

/** Evaluates the file as for a run that goes on here. */
async function again(code: string) {
  const project = scratchProject({
    'pipe.ts': `
import { PipelineController, run } from 'run-pipeline';
const told: string[] = ((globalThis as any).told ??= []);
export const pipe = new PipelineController({ name: 'mine', project: 'examples' });
const other = new PipelineController({ name: 'other', project: 'examples' });
pipe.addFunctionStep({ name: 'one', function: () => 1, preExecuteCallback: async () => { await run(other); } });
export const body = async () => { await run(other); await other.createDraft(); };
${code}
`,
  });
  const before = hostBefore();
  const first = await project.load('pipe.ts');
  await turns(); // its timers are not those of the second evaluation
  (globalThis as unknown as { told: string[] }).told.length = 0;
  setRunHost(before.host);
  const loaded = await loadBundle({
    paths: project.paths,
    bundle: first.bundle,
    file: first.file,
    framework: builtFramework(),
    argv: ['one', 'two'],
  });
  return { loaded, asked: before.asked, told: (globalThis as unknown as { told: string[] }).told };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test.each([
  ['starts', 'await pipe.start();'],
  ['starts on an agent', "await pipe.start({ queue: 'services' });"],
  ['runs', 'await run(pipe);'],
  ['drafts', 'await pipe.createDraft();'],
  ['clones', "await PipelineController.clone({ source: 'x' });"],
  ['enqueues', "await PipelineController.enqueue('x');"],
])('a file that %s as a program is left there', async (_, code) => {
  const { loaded, asked, told } = await again(`told.push('before');\n${code}\ntold.push('after');`);
  await turns();
  expect(loaded.candidates.map((candidate) => candidate.definition().name)).toContain('mine');
  expect(told).toEqual(['before']);
  expect(asked).toEqual([]);
});

test('what the file would start later, by a timer or after a wait, does not happen either', async () => {
  const { asked, told } = await again(`
setImmediate(() => { told.push('timer'); void run(other); });
async function main() { await null; await new Promise((resolve) => setImmediate(resolve)); told.push('main'); await pipe.start(); }
void main();
`);
  await turns();
  expect(told.toSorted()).toEqual(['main', 'timer']);
  expect(asked).toEqual([]);
});

test('looking for a pipeline is harmless, and the file goes on', async () => {
  const { told } = await again(`
told.push((await PipelineController.get({ project: 'a', name: 'b' })).id);
`);
  expect(told).toEqual(['find {"project":"a","name":"b"}']);
});

test('what bodies and callbacks run goes to the host that was there before', async () => {
  const { loaded, asked } = await again('');
  const mine = loaded.candidates.find(({ exportName }) => exportName === 'pipe')!.definition();
  await mine.steps[0]!.options.preExecuteCallback!({} as never, {} as never, {});
  expect(asked).toEqual(['run other']);
});

test('the file sees the arguments that it had', async () => {
  const { told } = await again('told.push(...process.argv.slice(2));');
  expect(told).toEqual(['one', 'two']);
});
