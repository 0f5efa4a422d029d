/**
 * One pipeline for each way of writing. Every execution of a step appends a line to the file EXECUTIONS
 * (`name attempt pid`), which no crash can take back; every step takes a few milliseconds (or
 * WORK_MS), so that a kill finds it at work. Values are small (kept in the store) and large (kept as blobs).
 */
const TRACE = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentTask } from 'run-pipeline';

export async function work(): Promise<void> {
  const task = currentTask()!;
  appendFileSync(process.env.EXECUTIONS!, task.name + ' ' + task.attempt + ' ' + process.pid + '\\n');
  console.log('working on ' + task.name);
  task.logger.reportSingleValue('one', 1);
  await sleep(Number(process.env.WORK_MS ?? 8));
}
export const rows = (count: number, from: number): { id: number; name: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: from + index, name: 'row ' + (from + index) }));
`;

const CLASS = `
import { Pipeline, Step } from 'run-pipeline';
import { rows, work } from './trace';

type Rows = { id: number; name: string }[];

@Pipeline({ name: 'class', project: 'crash' })
export class Crash {
  @Step({ returns: ['rows'] })
  async load(): Promise<Rows> { await work(); return rows(1500, 0); }

  @Step({ inputs: ['$<load.rows>'], returns: ['half'] })
  async left(all: Rows): Promise<Rows> { await work(); return all.slice(0, 750); }

  @Step({ inputs: ['$<load.rows>'], returns: ['half'], cache: true })
  async right(all: Rows): Promise<Rows> { await work(); return all.slice(750); }

  @Step({ inputs: ['$<left.half>', '$<right.half>'], returns: ['count', 'rows'] })
  async join(left: Rows, right: Rows): Promise<{ count: number; rows: Rows }> {
    await work();
    return { count: left.length + right.length, rows: [...right, ...left] };
  }

  @Step({ inputs: ['$<join.count>'] })
  async total(count: number): Promise<number> { await work(); return count * 2; }
}
`;

const CONTROLLER = `
import { appendFileSync } from 'node:fs';
import { PipelineController } from 'run-pipeline';
import { rows, work } from './trace';

const told = (line: string): void => appendFileSync(process.env.EXECUTIONS + '.callbacks', line + '\\n');
async function load({ size }: { size: number }) { await work(); return rows(size, 0); }
async function names({ data }: { data: { name: string }[] }) { await work(); return data.map((row) => row.name); }
async function ids({ data }: { data: { id: number }[] }) { await work(); return data.map((row) => row.id); }
async function report({ first, second }: { first: string[]; second: number[] }) {
  await work();
  return first.length + second.length;
}

export const pipe = new PipelineController({ name: 'controller', project: 'crash' });
pipe.addParameter({ name: 'size', default: 1500 });
pipe.addFunctionStep({
  name: 'load', function: load, functionKwargs: { size: '$<pipeline.size>' }, functionReturn: ['data'],
  preExecuteCallback: (_pipe, node) => { told('pre ' + node.name); },
  postExecuteCallback: (_pipe, node) => told('post ' + node.name + ' ' + node.status),
});
pipe.addFunctionStep({
  name: 'names', function: names, functionKwargs: { data: '$<load.data>' }, functionReturn: ['list'],
  cacheExecutedStep: true,
  statusChangeCallback: (_pipe, node, previous) => told('status ' + node.name + ' ' + previous + ' ' + node.status),
});
pipe.addFunctionStep({ name: 'ids', function: ids, functionKwargs: { data: '$<load.data>' }, functionReturn: ['list'] });
pipe.addFunctionStep({
  name: 'report', function: report, functionKwargs: { first: '$<names.list>', second: '$<ids.list>' },
  functionReturn: ['count'],
  preExecuteCallback: (_pipe, _node, parameters) => { parameters.second = [1, 2, 3]; },
  postExecuteCallback: (_pipe, node) => told('post ' + node.name + ' ' + node.status),
});
`;

const EACH = `
import { Pipeline, Step, each } from 'run-pipeline';
import { rows, work } from './trace';

@Pipeline({ name: 'each', project: 'crash' })
export class Each {
  @Step({ returns: ['sizes'] })
  async list(): Promise<number[]> { await work(); return [900, 5, 901, 6]; }

  @Step({ inputs: [each('$<list.sizes>')], returns: ['part'] })
  async score(size: number): Promise<{ id: number; name: string }[]> { await work(); return rows(size, size); }

  @Step({ inputs: ['$<score.part>'], returns: ['sum'] })
  async gather(parts: { id: number; name: string }[][]): Promise<number> {
    await work();
    return parts.reduce((sum, part) => sum + part.length, 0);
  }
}
`;

const FUNCTION = `
import { pipeline, step } from 'run-pipeline';
import { rows, work } from './trace';

const load = step({ name: 'load', returns: ['rows'] }, async () => { await work(); return rows(1200, 0); });
const train = step({ name: 'train' }, async (data: { id: number }[], depth: number) => {
  await work();
  return data.length * depth;
});
const step_1 = step({ name: 'step_1', cache: true }, async (scores: number[]) => {
  await work();
  return rows(Math.max(...scores) / 4, 7);
});
const discard = step({ name: 'discard' }, async () => { await work(); return 'nothing'; });

export const body = pipeline(
  { name: 'function', project: 'crash', parameters: { depths: [3, 5, 3] } },
  async ({ depths }) => {
    const data = load();
    const scores = depths.map((depth) => train(data.rows, depth));
    const extra = train.with({ name: 'extra' })(data.rows, 7);
    let best = 0;
    for (const score of scores) best = Math.max(best, await score);
    if (best > 5000) {
      const published = step_1([...scores, extra]);
      return (await published).length;
    }
    return await discard();
  },
);
`;

export const KINDS = ['class', 'controller', 'each', 'function'] as const;
export type Kind = (typeof KINDS)[number];

/** `class.ts`, `controller.ts`, `each.ts`, `function.ts` and what they import. */
export const PIPELINES: Readonly<Record<string, string>> = {
  'trace.ts': TRACE,
  'class.ts': CLASS,
  'controller.ts': CONTROLLER,
  'each.ts': EACH,
  'function.ts': FUNCTION,
};
