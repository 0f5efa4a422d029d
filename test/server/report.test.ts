import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ReportData } from '@run-pipeline/core/wire';
import { query, runPipeline, watchRun } from '../rig/command.js';
import { storedValue, writeRun } from '../rig/page-runs.js';
import { scratch } from '../rig/scratch.js';
import { openSqliteStore } from '../rig/engine.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('the data of a report hold what the page shows of the run, and need no server', async () => {
  const { directory } = scratch({
    'pipe.ts': `
import { Pipeline, Step, currentTask, image } from 'run-pipeline';
@Pipeline({ name: 'told', project: 'examples' })
export class Told {
  @Step({ returns: ['rows', 'picture'] }) load() {
    for (let i = 0; i < 1000; i++) console.log('line ' + i);
    currentTask().logger.reportScalar({ title: 'loss', series: 'train', value: 1, iteration: 0 });
    return { rows: [{ a: 1, b: '<b>' }], picture: image(Buffer.from('${PNG}', 'base64'), { mime: 'image/png' }) };
  }
  @Step({ inputs: ['$<load.rows>'] }) fail(rows: unknown[]): number {
    throw new Error('</script><script>alert(1)</script>' + rows.length);
  }
  @Step({ inputs: ['$<fail.result>'] }) after(value: number): number { return value; }
}
`,
  });
  const { events } = await watchRun(['pipe.ts'], { cwd: directory });
  const data = await query<ReportData>(['report', 'latest'], { cwd: directory });
  expect(data).toMatchObject({ format: 1, run: { item: { id: events[0]!.run, status: 'failed' } } });
  expect(data.steps.map(({ name }) => name)).toEqual(['fail', 'load', 'after']);
  const [fail, load, after] = data.steps;
  expect(fail!.code.pieces[0]).toMatchObject({ name: 'Told.fail', failed: expect.any(Number) });
  expect(fail!.inputs.inputs[0]).toMatchObject({ from: [{ step: 'load', artifact: 'rows' }] });
  expect(load!.console).toMatchObject({ from: 600, total: 1_000 });
  expect(load!.console!.lines.at(-1)).toMatchObject({ text: 'line 999' });
  expect(after).not.toHaveProperty('console');
  expect(data.artifacts.map(({ page }) => page.kind).sort()).toEqual(['image', 'table']);
  expect(data.artifacts.find(({ page }) => page.kind === 'image')!.image).toBe(
    `data:image/png;base64,${PNG}`,
  );
  expect(data.omitted).toEqual(['the beginning of the console of one step']);
});

test('a report of a huge run is bounded, and says what it leaves out', async () => {
  const project = scratch({});
  mkdirSync(project.path('.run-pipeline'));
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  const logs = Array.from({ length: 40 }, () => ({
    stream: 'stdout' as const,
    text: `${'x'.repeat(2_000)}\n`.repeat(30),
  }));
  await writeRun(store, {
    steps: Array.from({ length: 500 }, (_, index) => ({
      name: `s${index}`,
      artifacts: [storedValue('result', { index })],
      ...(index < 20 ? { logs } : {}),
    })),
    status: 'completed',
  });
  await store.close();
  const { stdout } = await runPipeline(['report', 'latest', '--json'], { cwd: project.directory });
  expect(stdout.length).toBeLessThan(8_000_000);
  const data = JSON.parse(stdout) as ReportData;
  expect(data.run.view.steps).toHaveLength(500);
  expect(data.steps).toHaveLength(200);
  expect(data.artifacts).toHaveLength(400);
  expect(data.omitted).toEqual([
    'code, inputs and console of 300 of 500 steps',
    expect.stringMatching(/^the beginning of the console of \d+ steps$/),
    expect.stringMatching(/^the console of \d+ steps$/),
    'the content of 100 of 500 artifacts',
  ]);
});
