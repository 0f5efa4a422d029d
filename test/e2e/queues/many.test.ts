import { expect, test } from 'vitest';
import { queueRig } from './rig.js';

test('a graph of 200 steps goes through one agent', async () => {
  const it = await queueRig({
    'wide.ts': `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'wide', project: 'p' });
pipe.addFunctionStep({ name: 'start', function: () => 1 });
for (let row = 0; row < 11; row++) {
  for (let column = 0; column < 18; column++) {
    const parent = row === 0 ? 'start' : 's' + (row - 1) + '_' + ((column * 7) % 18);
    pipe.addFunctionStep({ name: 's' + row + '_' + column, function: (n: number) => n + 1, functionKwargs: { n: '$<' + parent + '.result>' } });
  }
}
pipe.addFunctionStep({ name: 'end', function: (a: number, b: number) => a + b, functionKwargs: { a: '$<s10_0.result>', b: '$<s10_17.result>' } });
`,
  });
  const agent = await it.agent();
  const run = it.run(['wide.ts', '--queue', 'default']);
  const { code, ends } = await run.result();
  expect(code).toBe(0);
  expect(Object.keys(ends)).toHaveLength(200);
  expect(ends['end']).toMatchObject({ artifacts: [{ preview: '24' }] });
  const { agent: id } = await agent.told('agent.start');
  const starts = run.lines.flatMap((event) => (event.type === 'step.start' ? [event] : []));
  expect(starts).toHaveLength(200);
  expect(starts.every(({ agent: by, attempt }) => by === id && attempt === 1)).toBe(true);
});

test('two runs at once that want the same cached steps have them executed once, through queues', async () => {
  const it = await queueRig({
    'one.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears, trace } from './trace';
@Pipeline({ name: 'shared', cache: true, queue: 'default' })
export class Shared {
  @Step() async load(): Promise<number> { trace('load'); await appears('gate'); return 20; }
  @Step({ inputs: ['$<load.result>'] }) double(n: number): number { trace('double'); return n * 2; }
}
`,
  });
  await it.agent(['--concurrency', '2']);
  const runs = [it.run(['one.ts']), it.run(['one.ts'])];
  await Promise.race(runs.map((run) => run.told('step.start', 'load')));
  await Promise.all(runs.map((run) => run.told('run.start')));
  it.open('gate');
  for (const run of runs) expect((await run.result()).code).toBe(0);
  expect(it.traces()).toEqual(['load', 'double']);
  const words = runs.map((run) => run.words('load')).toSorted((a, b) => b.length - a.length);
  expect(words).toEqual([['queue 1', 'start 1 on agent', 'end completed 1'], ['end cached 0']]);
});
