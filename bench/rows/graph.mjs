import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repeat, repository } from '../measure.mjs';

/** A graph of 10,000 steps: validate and order. */
export async function* graph({ wanted }) {
  const name = 'graph: 10,000 steps, validate and order';
  if (!wanted(name)) return;
  const core = (room) => import(pathToFileURL(join(repository, `packages/core/dist/${room}.js`)).href);
  const [{ buildGraph }, { PipelineController }, { registry }] = await Promise.all([
    core('graph'),
    core('index'),
    core('define'),
  ]);
  const before = process.memoryUsage().heapUsed;
  const pipe = new PipelineController({ name: 'large', project: 'bench' });
  const step = (a, b) => a + b;
  for (let i = 0; i < 10_000; i++) {
    const functionKwargs = i < 2 ? { a: 1, b: 2 } : { a: `$<s${i - 1}.value>`, b: `$<s${i >> 1}.value>` };
    pipe.addFunctionStep({ name: `s${i}`, function: step, functionKwargs, functionReturn: ['value'] });
  }
  const definition = registry().pipelines.at(-1).definition();
  const measured = await repeat(7, () => {
    const started = performance.now();
    const { graph: built } = buildGraph(definition);
    if (built === undefined || built.order.length !== 10_000) throw new Error('the graph is not right');
    return performance.now() - started;
  });
  const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;
  yield { name, measured, unit: 'ms', budget: 100, compared: `heap grew by ${megabytes.toFixed(0)} MB` };
  yield {
    name: 'graph: 10,000 steps, memory',
    measured: process.memoryUsage().rss / 1e6,
    unit: 'MB',
    budget: 300,
    compared: 'resident, this whole process',
  };
}
