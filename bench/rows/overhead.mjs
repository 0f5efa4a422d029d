import { chain } from '../pipelines.mjs';
import { project, repeat, runPipeline, wholeProcess } from '../measure.mjs';

/**
 * What the engine adds to a step on a warm worker, state durable: the slope between chains of 50 and of
 * 250 steps whose packages are known, so that start-up and packaging cancel out.
 */
export async function* overhead({ wanted }) {
  const name = 'overhead: a step, warm worker, durable state';
  if (!wanted(name)) return;
  const time = async (steps) => {
    const here = project({ 'pipe.ts': chain(steps) });
    const run = () =>
      runPipeline(['pipe.ts', '--output', 'quiet', '--refresh', '--concurrency', '1'], {
        cwd: here.directory,
      });
    run();
    const measured = await repeat(5, run);
    here.remove();
    return measured;
  };
  const measured = ((await time(250)) - (await time(50))) / 200;
  const promises = await repeat(3, () =>
    wholeProcess(process.execPath, [
      '-e',
      'let p=Promise.resolve(0);for(let i=0;i<200;i++)p=p.then((v)=>v+1);p.then(()=>{})',
    ]),
  );
  yield {
    name,
    measured,
    unit: 'ms',
    budget: 2.5,
    compared: `200 plain promises, process included: ${promises.toFixed(0)} ms`,
  };
}
