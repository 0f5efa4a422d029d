import { afterEach, expect, test } from 'vitest';
import { watchRun } from '../../rig/command.js';
import { scratch } from '../../rig/scratch.js';
import { TRACE } from '../../rig/steps.js';
import { StandIn } from './stand-in.js';

const FILE = {
  ...TRACE,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { trace } from './trace.js';

console.log('the file is evaluated');
const one = (n: number) => { trace('one'); return n + 1; };
const two = (n: number) => { trace('two'); console.log('two prints'); return n * 2; };

export const pipe = new PipelineController({ name: 'small', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addFunctionStep({ name: 'one', function: one, functionKwargs: { n: '$<pipeline.n>' } });
pipe.addFunctionStep({
  name: 'two',
  function: two,
  functionKwargs: { n: '$<one.result>' },
  postExecuteCallback: (_pipe, node) => console.log('callback of', node.name),
});
`,
};

let open: StandIn | undefined;
afterEach(async () => {
  await open?.project.store.close();
  open = undefined;
});

test('--remote: an agent drives the run, the terminal follows it and ends as it does', async () => {
  const { directory } = scratch(FILE);
  open = await StandIn.open(directory);
  await open.register();
  const running = watchRun(['pipe.ts', '--remote', '--param', 'n=4'], { cwd: directory });
  const taken = await open.take();
  expect(await taken.settle()).toBe('completed');
  const run = await running;
  expect(run).toMatchObject({ code: 0, by: { completed: ['one', 'two'] } });
  expect(run.events[0]).toMatchObject({ type: 'run.start', seq: 0, number: 1, parameters: { n: 4 } });
  expect(run.events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  expect(taken.output.join('')).toBe('the file is evaluated\ncallback of two\n');
  expect(run.stderr).toContain('callback of two');
  expect(await open.project.store.readTask(taken.task)).toMatchObject({
    status: 'completed',
    type: 'controller',
    run: taken.task,
    parameters: { General: { n: { json: 4 } } },
  });
});
