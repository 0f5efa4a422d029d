import { afterEach, expect, test } from 'vitest';
import { node } from '../../rig/command.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';
import { StandIn } from './stand-in.js';

/** `pipe` with two parameters; the program is what follows. */
const program = (code: string): Readonly<Record<string, string>> => ({
  ...TRACE,
  'pipe.mjs': `
import { PipelineController } from 'run-pipeline';
import { appendFileSync } from 'node:fs';

export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addParameter({ name: 'day', default: new Date('2026-01-02') });
pipe.addFunctionStep({
  name: 'one',
  function: (n, day) => { appendFileSync('trace.txt', \`one \${n} \${day.toISOString()}\\n\`); return n + 1; },
  functionKwargs: { n: '$<pipeline.n>', day: '$<pipeline.day>' },
});
const tell = (name, value) => console.log(JSON.stringify([name, value]));
const shown = ({ id, name, project, version, status, parent, parameters }) =>
  ({ id, name, project, version, status, parent, parameters });
${code}
`,
});

/** What the program told, by name. */
async function run(project: Scratch, file = 'pipe.mjs'): Promise<Record<string, any>> {
  const result = await node([file], { cwd: project.directory });
  expect(result.stderr, result.stderr).not.toContain('Error');
  expect(result.code).toBe(0);
  return Object.fromEntries(
    result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, unknown]),
  );
}

let open: StandIn | undefined;
afterEach(async () => {
  await open?.project.store.close();
  open = undefined;
});

test('a draft is edited and enqueued: the edits count, the number rises, nothing runs before', async () => {
  const project = scratch(
    program(`
const draft = await pipe.createDraft({ parameters: { n: 5 } });
tell('draft', shown(draft));
await draft.setParameter('n', 7);
tell('edited', draft.parameters);
tell('enqueued', (await PipelineController.enqueue(draft)).status);
tell('end', await draft.waitForStatus());
await draft.reload();
tell('after', shown(draft));
tell('found', (await PipelineController.get({ project: 'examples', name: 'small' })).id);
const clone = await PipelineController.clone({ source: draft });
tell('clone', shown(clone));
tell('timeout', await clone.waitForStatus('queued', { timeout: 1 }));
`),
  );
  open = await StandIn.open(project.directory);
  await open.register();
  const running = run(project);
  const taken = await open.take();
  await taken.settle();
  const told = await running;
  const day = '2026-01-02T00:00:00.000Z';
  expect(told['draft']).toEqual({
    id: taken.task,
    name: 'small',
    project: 'examples',
    status: 'created',
    parameters: { n: 5, day },
  });
  expect(told['edited']).toEqual({ n: 7, day });
  expect([told['enqueued'], told['end']]).toEqual(['queued', 'completed']);
  expect(told['after']).toEqual({
    ...told['draft'],
    status: 'completed',
    version: '1',
    parameters: told['edited'],
  });
  expect(told['found']).toBe(taken.task);
  expect(told['clone']).toEqual({
    ...told['draft'],
    id: expect.not.stringMatching(taken.task) as string,
    parent: taken.task,
    parameters: { n: 7, day },
  });
  expect(told['timeout']).toBeNull();
  expect(await open.project.store.findRuns({})).toMatchObject([{ id: taken.task, number: 1, version: '1' }]);
});
