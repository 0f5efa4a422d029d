import { chain, fan } from '../pipelines.mjs';
import { project, repeat, runPipeline } from '../measure.mjs';

/** Whole processes in which nothing executes. */
export async function* cachedRuns({ floor, wanted }) {
  const help = 'cached: run-pipeline --help';
  if (wanted(help)) {
    const measured = await repeat(7, () => runPipeline(['--help']));
    yield {
      name: help,
      measured,
      unit: 'ms',
      budget: 120,
      compared: `${(measured / floor).toFixed(1)} x an empty node process`,
    };
  }
  for (const [name, source, budget] of [
    ['cached: 100 steps, a chain', chain(100), 200],
    ['cached: 1,000 steps, a fan', fan(1000), 350],
  ]) {
    if (!wanted(name)) continue;
    const here = project({ 'pipe.ts': source });
    runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory });
    runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory });
    const measured = await repeat(7, () =>
      runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory }),
    );
    here.remove();
    yield {
      name,
      measured,
      unit: 'ms',
      budget,
      compared: `${(measured / floor).toFixed(1)} x an empty node process`,
    };
  }
}
