import { expect, test } from 'vitest';
import { node, query, runPipeline } from '../../rig/command.js';
import { queueRig, type QueueRig, type RunProcess } from './rig.js';

const FILES = {
  'rows.csv': 'a,b\n1,2\n3,4\n',
  'class.ts': `
import { currentTask, Parameter, Pipeline, Step, each, type FileValue } from 'run-pipeline';
import { readFileSync, writeFileSync } from 'node:fs';
import { file } from 'run-pipeline';
interface Row { a: number; b: number }
@Pipeline({ name: 'everything' })
export class Everything {
  @Parameter({ type: 'file' }) data = 'rows.csv';
  @Parameter() factor = 3;
  @Step({ inputs: ['$<pipeline.data>'], returns: ['rows', 'when'] })
  load(csv: FileValue): { rows: Row[]; when: Map<string, Date> } {
    console.log('reads ' + csv.name);
    const [, ...lines] = readFileSync(csv.path, 'utf8').trim().split('\\n');
    const rows = lines.map((line) => { const [a, b] = line.split(',').map(Number); return { a: a!, b: b! }; });
    return { rows, when: new Map([['then', new Date(0)]]) };
  }
  @Step({ inputs: ['$<load.rows>'] })
  large(rows: Row[]): Float64Array { return Float64Array.from({ length: 50_000 }, (_, index) => index * rows.length * this.factor); }
  @Step({ inputs: [each('$<load.rows>'), 0.5] })
  score(row: Row, weight: number): number { return row.a * row.b * weight; }
  @Step({ inputs: { scores: '$<score.result>', big: '$<large.result>', when: '$<load.when>' }, returns: ['total', 'report'] })
  sum({ scores, big, when }: { scores: number[]; big: Float64Array; when: Map<string, Date> }) {
    const { logger } = currentTask();
    logger.reportScalar({ title: 'sum', series: 'scores', value: scores.length, iteration: 1 });
    logger.reportTable({ title: 'scores', table: scores.map((score) => ({ score })) });
    console.error('sums');
    writeFileSync('report.txt', String(big[49_999]) + ' ' + String(when.get('then')?.getTime()));
    return { total: scores.reduce((a, b) => a + b, 0), report: file('report.txt') };
  }
  @Step({ inputs: ['$<sum.report>', 'the total is $<sum.total>'] })
  publish(report: FileValue, text: string): string { return text + ' ' + readFileSync(report.path, 'utf8'); }
}
`,
  'controller.ts': `
import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'controlled', project: 'p' });
pipe.addParameter({ name: 'n', default: 4 });
pipe.addFunctionStep({ name: 'list', function: (n: number) => Array.from({ length: n }, (_, i) => i), functionKwargs: { n: '$<pipeline.n>' }, functionReturn: ['items'] });
pipe.addFunctionStep({ name: 'sum', function: ({ items }: { items: number[] }) => items.reduce((a, b) => a + b, 0), functionKwargs: { items: '$<list.items>' } });
pipe.addFunctionStep({ name: 'id', function: (id: string, url: string) => [id.endsWith('.list'), url.slice(0, 18)], functionKwargs: { id: '$<list.id>', url: '$<list.artifacts.items.url>' } });
`,
  'function.ts': `
import { each, pipeline, step } from 'run-pipeline';
const split = step({ name: 'split', returns: ['train', 'test'] }, (n: number) => ({ train: Array.from({ length: n }, (_, i) => i), test: [n] }));
const fit = step({ name: 'fit' }, (rows: number[], depth: number) => rows.length * depth);
const half = step({ name: 'half' }, (score: number) => score / 2);
const best = step({ name: 'best' }, (scores: number[], more: number[]) => Math.max(...scores, ...more));
export const grows = pipeline({ name: 'grows' }, async () => {
  const { train } = split(5);
  const scores = [1, 2, 3].map((depth) => fit(train, depth));
  const halves = half(each([10, 20]));
  return (await scores[0]!) > 4 ? best(scores, halves) : undefined;
});
`,
};

async function finished(it: QueueRig, args: readonly string[]): Promise<RunProcess> {
  const run = it.run(args);
  expect((await run.result()).code, run.stderr).toBe(0);
  return run;
}

/** Step -> names and hashes of its artifacts, what it printed and reported. */
const results = (run: RunProcess) =>
  Object.fromEntries(
    run.lines
      .flatMap((event) => (event.type === 'step.end' ? [event] : []))
      .map(({ step, status, attempt, artifacts }) => [
        step,
        {
          status,
          attempt,
          artifacts: artifacts.map(({ name, type, hash, size }) => ({ name, type, hash, size })),
          console: run.console(step),
          reports: run.lines.flatMap((event) =>
            event.type === 'step.report' && event.step === step
              ? [{ ...event.report, artifact: undefined }]
              : [],
          ),
        },
      ])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );

test.each(['class.ts', 'controller.ts', 'function.ts'])(
  'through a queue: the same artifacts byte for byte, console and reports as here (%s)',
  async (file) => {
    const it = await queueRig(FILES);
    const here = await finished(it, [file]);
    const agent = await it.agent();
    const there = await finished(it, [file, '--queue', 'default']);
    expect(results(there)).toEqual(results(here));
    const { agent: id } = await agent.told('agent.start');
    const starts = there.lines.flatMap((event) => (event.type === 'step.start' ? [event] : []));
    expect(starts.length).toBeGreaterThan(2);
    for (const start of starts) expect(start).toMatchObject({ agent: id, attempt: 1 });
    // Every queued one is told before it starts, once.
    const queued = there.lines.flatMap((event) => (event.type === 'step.queue' ? [event.step] : []));
    expect(queued.toSorted()).toEqual(starts.map(({ step }) => step).toSorted());
  },
);

test('what agents executed is in the cache, with its reports, for runs here and there', async () => {
  const it = await queueRig({
    'pipe.ts': `
import { currentTask, Pipeline, Step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'cached', cache: true, queue: 'default' })
export class Cached {
  @Step() make(): number[] { trace('make'); currentTask().logger.reportSingleValue('made', 1); return [1, 2, 3]; }
  @Step({ inputs: ['$<make.result>'] }) sum(list: number[]): number { trace('sum'); return list.length; }
}
`,
  });
  await it.agent();
  const first = await finished(it, ['pipe.ts']);
  expect(first.words('make')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  for (const args of [['pipe.ts'], ['pipe.ts', '--local']]) {
    const again = await finished(it, args);
    expect(again.words()).toEqual(['end cached 0', 'end cached 0']);
    expect(again.lines).toContainEqual(
      expect.objectContaining({
        type: 'step.report',
        report: { kind: 'single-value', name: 'made', value: 1 },
      }),
    );
  }
  const refreshed = await finished(it, ['pipe.ts', '--refresh=sum']);
  expect(refreshed.words('sum')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
  expect(it.traces()).toEqual(['make', 'sum', 'sum']);
});

test.each(['node', 'run-pipeline'])(
  'a program says with options what the command line says with flags (%s)',
  async (by) => {
    const it = await queueRig({
      'program.mjs': `
import { appendFileSync } from 'node:fs';
import { pipeline, run, step } from 'run-pipeline';
const one = step({ name: 'one' }, () => appendFileSync(process.env.TRACES + '/trace.txt', process.ppid + '\\n'));
const program = pipeline({ name: 'program' }, async () => { await one(); });
for (const options of [{ queue: 'default' }, { queue: 'default', local: true }]) {
  const { status } = await run(program, { ...options, output: 'quiet' });
  console.log(status);
}
`,
    });
    const agent = await it.agent();
    const options = { cwd: it.files.directory, env: it.env };
    const ended = await (by === 'node'
      ? node(['program.mjs'], options)
      : runPipeline(['program.mjs'], options));
    expect(ended).toMatchObject({ code: 0, stdout: 'completed\ncompleted\n' });
    const parents = it.traces().map(Number);
    expect(parents[0]).toBe(agent.pid);
    expect(parents[1]).not.toBe(agent.pid);
  },
);

test('logs -f follows what a step prints on its agent; show tells where it ran', async () => {
  const it = await queueRig({
    'talks.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { appears } from './trace';
@Pipeline({ name: 'talks', queue: 'default' })
export class Talks {
  @Step() async speaker(): Promise<number> { console.log('begins'); await appears('gate'); console.log('ends'); return 1; }
}
`,
  });
  const agent = await it.agent();
  const run = it.run(['talks.ts']);
  await run.told('step.log', 'speaker');
  expect(run.console('speaker')).toBe('begins\n');
  const options = { cwd: it.files.directory, env: it.env };
  const logs = runPipeline(['logs', 'latest', 'speaker', '-f'], options);
  it.open('gate');
  expect((await run.result()).code).toBe(0);
  expect((await logs).stdout).toBe('begins\nends\n');
  const { agent: id } = await agent.told('agent.start');
  expect((await runPipeline(['show', 'latest'], options)).stdout).toContain(`on ${id}`);
  const shown = await query<{ steps: readonly object[] }>(['show', 'latest'], options);
  expect(shown.steps[0]).toMatchObject({ name: 'speaker', status: 'completed', attempts: 1 });
});

test('a flood of output comes through whole and in order, with what the step returned', async () => {
  const it = await queueRig({
    'flood.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'flood', queue: 'default' })
export class Flood {
  @Step() print(): number { for (let line = 0; line < 60_000; line++) console.log('line ' + line + ' ' + 'x'.repeat(80)); return 60_000; }
}
`,
  });
  await it.agent();
  const run = await finished(it, ['flood.ts']);
  const lines = run.console('print').trimEnd().split('\n');
  expect(lines).toHaveLength(60_000);
  expect(lines.findIndex((line, index) => !line.startsWith(`line ${index} `))).toBe(-1);
  expect(run.words('print')).toEqual(['queue 1', 'start 1 on agent', 'end completed 1']);
});
