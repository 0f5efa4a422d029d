import { expect, test } from 'vitest';
import { query, watchRun } from '../rig/command.js';
import { scratch } from '../rig/scratch.js';

const PIPELINE = {
  'pipe.ts': `
import { Pipeline, Step, Parameter } from 'run-pipeline';
import { scale } from './helper';
@Pipeline({ name: 'p', cache: true })
export class P {
  @Parameter() factor = 2;
  @Step({ returns: ['rows'] }) load(): number[] { return [1, 2, 3]; }
  @Step({ inputs: ['$<load.rows>', '$<pipeline.factor>'], returns: ['scaled'] })
  multiply(rows: number[], factor: number): number[] { return rows.map((row) => scale(row, factor)); }
  @Step({ inputs: ['$<multiply.scaled>'] }) total(rows: number[]): number { return rows.reduce((a, b) => a + b, 0); }
}
`,
  'helper.ts': `export const scale = (value: number, factor: number): number => value * factor;\nexport const unused = () => 1;\n`,
};

test('an identical re-run executes nothing, and its outputs are usable', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  const first = await watchRun(['pipe.ts'], options);
  expect(first.stderr + first.code).toMatch(/0$/);
  expect(first.by).toEqual({ completed: ['load', 'multiply', 'total'] });
  const second = await watchRun(['pipe.ts'], options);
  expect(second.by).toEqual({ cached: ['load', 'multiply', 'total'] });
  expect(second.events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  expect(await query(['get', 'latest', 'total'], options)).toBe(12);
});

test('an edited helper re-runs the step that uses it, and plan had named it', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  project.write({
    'helper.ts': `export const scale = (value: number, factor: number): number => value * factor + 1;\nexport const unused = () => 1;\n`,
  });
  const plan = await query<{ steps: { name: string; action: string; reasons: string[] }[] }>(
    ['plan', 'pipe.ts'],
    options,
  );
  expect(plan.steps.map(({ name, action }) => [name, action])).toEqual([
    ['load', 'cached'],
    ['multiply', 'run'],
    ['total', 'depends'],
  ]);
  expect(plan.steps[1]?.reasons.join()).toContain('`scale` (helper.ts:1) changed');
  const run = await watchRun(['pipe.ts'], options);
  expect(run.by).toEqual({ cached: ['load'], completed: ['multiply', 'total'] });
  expect(run.ends['multiply']?.why.join()).toContain('`scale` (helper.ts:1) changed');
});

test('unrelated edits, comments and formatting are hits', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  project.write({
    'pipe.ts': `// a comment\n${PIPELINE['pipe.ts'].replace('return [1, 2, 3];', 'return [\n 1,2,3 ];')}\nconst other = 1;\n`,
    'helper.ts': `// new\n${PIPELINE['helper.ts'].replace('=> 1;', '=> 2;')}`,
  });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['load', 'multiply', 'total'] });
});

test('a changed parameter re-runs what takes it, with both values in the reason', async () => {
  const project = scratch(PIPELINE);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts'], options);
  const run = await watchRun(['pipe.ts', '--param', 'factor=3'], options);
  expect(run.by).toEqual({ cached: ['load'], completed: ['multiply', 'total'] });
  expect(run.ends['multiply']?.why.join()).toContain('2 -> 3');
});
