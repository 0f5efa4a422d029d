import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { StepCodeView, StepInputs, StepPackages, StepWhy } from '@run-pipeline/core/wire';
import { watchRun } from '../rig/command.js';
import { PageServer } from '../rig/page-server.js';
import { npmPackage, scratch } from '../rig/scratch.js';

const HELPER = (factor: number): string => `
/** What it is multiplied with. */
const FACTOR = ${factor};

export function scaled(
  value: number, // the comment stays
): number {
  return value * FACTOR;
}
`;

const PIPELINE = `
import { Pipeline, Parameter, Step, each, file } from 'run-pipeline';
import { upper } from 'shout';
import { scaled } from './helper.ts';

const unrelated = 'never in a package';

@Pipeline({ name: 'steps', project: 'examples', cache: true })
export class Steps {
  @Parameter() factor = 2;
  @Parameter({ type: 'file' }) data = 'data.csv';

  @Step({ returns: ['rows', 'title'] })
  load(): { rows: number[]; title: string } {
    return { rows: [1, 2, 3], title: upper('rows') };
  }

  @Step({ inputs: [each('$<load.rows>'), '$<pipeline.factor>'], returns: ['scaled'] })
  scale(row: number, factor: number): number {
    return scaled(row) * factor;
  }

  @Step({ inputs: { values: '$<scale.scaled>', title: '$<load.title>', path: '$<pipeline.data>', list: ['$<load.rows>', 1], note: 'a note' } })
  report({ values, title }: { values: number[]; title: string; path: unknown; list: unknown; note: string }): string {
    if (values.includes(999)) throw new Error('unlucky');
    return title + values.join() + this.factor;
  }
}
`;

const project = () =>
  scratch({
    'pipe.ts': PIPELINE,
    'helper.ts': HELPER(10),
    'data.csv': 'a,b\n1,2\n',
    ...npmPackage(
      'shout',
      '1.2.3',
      {
        'index.js': 'export const upper = (text) => text.toUpperCase();\n',
        'index.d.ts': 'export declare const upper: (text: string) => string;\n',
      },
      { type: 'module', main: 'index.js', types: 'index.d.ts' },
    ),
  });

test('inputs name where they come from, outputs who took them', async () => {
  const { directory } = project();
  const { events } = await watchRun(['pipe.ts'], { cwd: directory });
  const server = await PageServer.start({ cwd: directory });
  const inputs = (step: string): Promise<StepInputs> =>
    server.get(`/api/runs/${events[0]!.run}/steps/${encodeURIComponent(step)}/inputs`);
  expect(await inputs('load')).toEqual({
    inputs: [],
    consumers: [
      { artifact: 'title', steps: ['report'] },
      { artifact: 'rows', steps: ['report', 'scale[0]', 'scale[1]', 'scale[2]'] },
    ],
  });
  expect(await inputs('scale[1]')).toMatchObject({
    inputs: [
      {
        name: '#1',
        kind: 'input',
        from: [{ step: 'load', artifact: 'rows' }],
        reference: '$<load.rows>',
        preview: '2',
      },
      { name: '#2', parameter: 'factor', reference: '$<pipeline.factor>', preview: '2', from: [] },
    ],
    // Through the list of all of them.
    consumers: [{ artifact: 'scaled', steps: ['report'] }],
  });
  const report = await inputs('report');
  const by = Object.fromEntries(report.inputs.map((input) => [input.name, input]));
  expect(by['title']).toEqual({
    name: 'title',
    kind: 'input',
    from: [{ step: 'load', artifact: 'title' }],
    reference: '$<load.title>',
    preview: '"ROWS"',
  });
  expect(by['values']!.from).toEqual([{ step: 'scale', artifact: 'scaled' }]);
  expect(by['list']!.from).toEqual([{ step: 'load', artifact: 'rows' }]);
  expect(by['path']).toMatchObject({
    kind: 'file',
    parameter: 'data',
    path: expect.stringMatching(/data\.csv$/),
  });
  expect(by['note']).toEqual({ name: 'note', kind: 'input', from: [], preview: '"a note"' });
  expect(by['factor']).toMatchObject({ kind: 'parameter', parameter: 'factor' });
});

test('the code of a step is what its package holds, as it was written, also after the file was edited', async () => {
  const { directory, write } = project();
  const first = await watchRun(['pipe.ts'], { cwd: directory });
  write({ 'helper.ts': HELPER(20) });
  const second = await watchRun(['pipe.ts'], { cwd: directory });
  write({ 'helper.ts': 'gone', 'pipe.ts': 'gone' });
  const server = await PageServer.start({ cwd: directory });
  const code = (run: string, step: string): Promise<StepCodeView> =>
    server.get(`/api/runs/${run}/steps/${encodeURIComponent(step)}/code`);
  const now = await code(second.events[0]!.run, 'scale[0]');
  expect(now.pieces.map(({ file, name, language }) => [file, name, language])).toEqual([
    // The step itself first.
    ['pipe.ts', 'Steps.scale', 'typescript'],
    ['helper.ts', 'FACTOR', 'typescript'],
    ['helper.ts', 'scaled', 'typescript'],
  ]);
  const sources: Readonly<Record<string, string>> = { 'helper.ts': HELPER(20), 'pipe.ts': PIPELINE };
  for (const { file, line, text } of now.pieces) {
    const lines = text.split('\n');
    expect(lines).toEqual(sources[file]!.split('\n').slice(line - 1, line - 1 + lines.length));
  }
  expect(now.pieces[2]!.text).toBe(
    'export function scaled(\n  value: number, // the comment stays\n): number {\n  return value * FACTOR;\n}',
  );
  expect(JSON.stringify(now)).not.toContain('never in a package');
  expect(now.before).toMatchObject({ run: first.events[0]!.run, number: 1 });
  expect(now.before!.pieces[1]!.text).toBe('const FACTOR = 10;');
  const unchanged = await code(second.events[0]!.run, 'load');
  expect(unchanged.pieces.length).toBeGreaterThan(0);
  expect(unchanged).not.toHaveProperty('before');
});

test('the line that failed is marked', async () => {
  const { directory, write } = project();
  write({ 'helper.ts': HELPER(499.5).replace('value * FACTOR', '999 + value * 0') });
  const { events } = await watchRun(['pipe.ts', '--param', 'factor=1'], { cwd: directory });
  const server = await PageServer.start({ cwd: directory });
  const { pieces } = await server.get<StepCodeView>(`/api/runs/${events[0]!.run}/steps/report/code`);
  const failed = pieces.find((piece) => piece.failed !== undefined)!;
  expect(readFileSync(`${directory}/${failed.file}`, 'utf8').split('\n')[failed.failed! - 1]).toContain(
    'unlucky',
  );
  expect(pieces.filter((piece) => piece.failed !== undefined)).toHaveLength(1);
});

test('why names what changed, both values, and the ancestors that ran', async () => {
  const { directory, write } = project();
  const first = await watchRun(['pipe.ts'], { cwd: directory });
  write({ 'helper.ts': HELPER(20) });
  const second = await watchRun(['pipe.ts', '--param', 'factor=3'], { cwd: directory });
  const third = await watchRun(['pipe.ts', '--param', 'factor=3'], { cwd: directory });
  const server = await PageServer.start({ cwd: directory });
  const why = (run: string, step: string): Promise<StepWhy> =>
    server.get(`/api/runs/${run}/steps/${encodeURIComponent(step)}/why`);
  const fresh = await why(first.events[0]!.run, 'load');
  expect(fresh.why).toEqual(['it has not run before']);
  expect(fresh).not.toHaveProperty('comparedWith');
  expect(new Set(fresh.parts.map(({ change }) => change))).toEqual(new Set(['same']));
  const changed = await why(second.events[0]!.run, 'scale[0]');
  expect(changed.comparedWith).toEqual({ run: first.events[0]!.run, number: 1 });
  const parts = changed.parts.filter(({ change }) => change !== 'same');
  expect(parts).toContainEqual({
    kind: 'input',
    name: '#2',
    change: 'changed',
    before: '2',
    now: '3',
    where: 'parameter factor',
  });
  expect(parts.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'code code',
    'input #2',
    'symbol FACTOR',
  ]);
  expect((await why(second.events[0]!.run, 'report')).ancestors.map(({ step }) => step)).toContain('scale');
  const cached = await why(third.events[0]!.run, 'report');
  expect(cached.parts.every(({ change }) => change === 'same')).toBe(true);
});

test('packages name the closure, and through what it came', async () => {
  const { directory } = project();
  const { events } = await watchRun(['pipe.ts'], { cwd: directory });
  const server = await PageServer.start({ cwd: directory });
  const packages = (step: string): Promise<StepPackages> =>
    server.get(`/api/runs/${events[0]!.run}/steps/${step}/packages`);
  expect(await packages('load')).toEqual({
    dependencies: [{ name: 'shout', version: '1.2.3', direct: true }],
    node: `node ${process.versions.node.split('.')[0]}`,
  });
  expect((await packages('report')).dependencies).toEqual([]);
  for (const part of ['inputs', 'code', 'why', 'packages'])
    expect((await server.refused('GET', `/api/runs/${events[0]!.run}/steps/nope/${part}`)).code).toBe(
      'unknown-step',
    );
});
