import { chain, fan } from '../pipelines.mjs';
import { project, repeat, runPipeline } from '../measure.mjs';

/** Whole processes: nothing known, or one step edited. */
export async function* coldRuns({ wanted }) {
  for (const [name, source, budget] of [
    ['cold: chain of 100, packaging included', chain(100), 700],
    ['cold: fan-out of 1,000, packaging included', fan(1000), 3000],
  ]) {
    if (!wanted(name)) continue;
    const here = project({ 'pipe.ts': source });
    const measured = await repeat(
      3,
      () => runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory }),
      () => here.forget(),
    );
    here.remove();
    const steps = Number(/\d[\d,]*/.exec(name)[0].replaceAll(',', ''));
    yield {
      name,
      measured,
      unit: 'ms',
      budget,
      compared: `${(measured / steps).toFixed(2)} ms a step, all included`,
    };
  }
  const edited = 'cold: edit one of 1,000 steps, re-run';
  if (wanted(edited)) {
    const here = project({ 'pipe.ts': fan(1000) });
    runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory });
    const measured = await repeat(
      3,
      () => runPipeline(['pipe.ts', '--output', 'quiet'], { cwd: here.directory }),
      (i) => here.write({ 'pipe.ts': fan(1000, { edit: 500 + i }) }),
    );
    here.remove();
    yield { name: edited, measured, unit: 'ms', budget: 1500, compared: '' };
  }
}
