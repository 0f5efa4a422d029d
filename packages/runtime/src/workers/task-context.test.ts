import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { currentTask } from '../task/index.js';
import type { TaskOutcome, TaskRequest } from './protocol.js';
import { useWorkers, type Execution } from './worker-rig.js';

const rig = await useWorkers();

async function run(body: string, options: Partial<TaskRequest> = {}): Promise<Execution> {
  const request = await rig.request(
    `import { currentTask } from '$framework';\nexport default async () => { const task = currentTask(); const { logger } = task; ${body} };`,
    options,
  );
  return rig.execute(await rig.pool({ size: 1 }), request);
}

async function artifactsOf(outcome: TaskOutcome): Promise<Record<string, unknown>> {
  if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome, null, 1));
  const entries = outcome.artifacts.map(
    async (stored) => [stored.record.name, await rig.decoded(stored)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

test('currentTask() outside of a step says so', () => {
  expect(() => currentTask()).toThrow(/outside of a step/);
});

test('a step knows its task, also behind awaits and in helpers', async () => {
  const { outcome } = await run(
    `await new Promise((resolve) => setTimeout(resolve, 1));
     const inside = await (async () => currentTask())();
     const { id, name, run, attempt, pipeline, project, parameters, signal } = inside;
     return { same: inside === task, id, name, run, attempt, pipeline, project, parameters, aborted: signal.aborted };`,
    { task: 't-9' as never, attempt: 2, parameters: [['lr', await rig.encoded(0.1)]] },
  );
  expect(await artifactsOf(outcome)).toEqual({
    result: {
      same: true,
      id: 't-9',
      name: 'step',
      run: 'run-1',
      attempt: 2,
      pipeline: 'demo',
      project: 'tests',
      parameters: { lr: 0.1 },
      aborted: false,
    },
  });
});

test('uploaded artifacts stand beside the returns; the last of a name counts', async () => {
  const { outcome } = await run(
    `void task.uploadArtifact('rows', [1]);
     const rows = [1, 2];
     const upload = task.uploadArtifact('rows', rows);
     rows.push(3);
     await upload;
     return 'done';`,
    { returns: ['status'] },
  );
  expect(await artifactsOf(outcome)).toEqual({ status: 'done', rows: [1, 2] });
});

test('a string that names a file uploads the file', async () => {
  await writeFile(`${rig.directory}/report.txt`, 'hello');
  const { outcome } = await run(
    `await task.uploadArtifact('report', 'report.txt'); await task.uploadArtifact('text', 'no-such-file');`,
  );
  expect(await artifactsOf(outcome)).toMatchObject({
    report: { name: 'report.txt', size: 5 },
    text: 'no-such-file',
  });
});

test('a step that uploads a file which it did not make is not cached', async () => {
  await writeFile(`${rig.directory}/old.txt`, 'old');
  await utimes(`${rig.directory}/old.txt`, 1_600_000_000, 1_600_000_000);
  const { outcome } = await run(`await task.uploadArtifact('old', 'old.txt');`);
  expect(outcome).toMatchObject({
    status: 'completed',
    uncacheable: 'uploadArtifact reads old.txt, which may change',
  });
  const own = await run(
    `const { writeFileSync } = process.getBuiltinModule('node:fs');
     writeFileSync('own.txt', 'own');
     await task.uploadArtifact('own', 'own.txt');
     await task.uploadArtifact('text', 'no file of this name');`,
  );
  expect(own.outcome).not.toHaveProperty('uncacheable');
  expect(await artifactsOf(own.outcome)).toMatchObject({ own: { name: 'own.txt' } });
});

test.each([
  ['a return', 'status', ['status'], 'the step returns an artifact of this name'],
  ['a bad name', 'a/b', undefined, 'a name is a letter'],
  ['a reserved name', 'then', undefined, 'reserved'],
])('an upload under the name of %s fails', async (_, name, returns, message) => {
  const { outcome } = await run(`await task.uploadArtifact(${JSON.stringify(name)}, 1); return 1;`, {
    returns,
  });
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'artifact-name', message: expect.stringContaining(message) },
  });
});

test('an upload named result clashes with the value of a step without returns, if there is one', async () => {
  const clash = await run(`await task.uploadArtifact('result', 1); return 2;`);
  expect(clash.outcome).toMatchObject({ status: 'failed', error: { code: 'artifact-name' } });
  const fine = await run(`await task.uploadArtifact('result', 1);`);
  expect(await artifactsOf(fine.outcome)).toEqual({ result: 1 });
});

test('an upload that is not awaited and cannot be stored fails the task', async () => {
  const { outcome } = await run(`void task.uploadArtifact('bad', { f() {} });`);
  expect(outcome).toMatchObject({ status: 'failed', error: { code: 'artifact-lossy' } });
});

test('reports arrive as they happen, in order, and in the outcome', async () => {
  const { outcome, reports } = await run(
    `logger.reportScalar({ title: 'loss', series: 'train', value: 0.5, iteration: 1 });
     logger.reportTable({ title: 'rows', table: [{ a: 1, b: 'x' }, { b: 'y', c: undefined }] });
     logger.reportText('between');
     logger.reportHistogram({ title: 'h', values: Float64Array.of(1, 2), xLabels: ['a', 'b'] });
     logger.reportScatter({ title: 's', points: [[1, 2], [3, 4]], mode: 'lines', xAxis: 'x' });
     logger.reportConfusionMatrix({ title: 'c', matrix: [[1, 0], [0, 1]], xLabels: ['a', 'b'] });
     logger.reportPlot({ title: 'p', series: 'q', iteration: 3, figure: { data: [] } });
     logger.reportImage({ title: 'i', image: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
     logger.reportMedia({ title: 'm', media: Buffer.from('sound') });
     logger.reportSingleValue('accuracy', 0.9);`,
  );
  expect(reports.map((report) => ('plot' in report ? report.plot : report.kind))).toEqual([
    'scalar',
    'table',
    'text',
    'histogram',
    'line',
    'confusion-matrix',
    'custom',
    'image',
    'media',
    'single-value',
  ]);
  if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
  expect(outcome.reports).toEqual(reports);
  expect(outcome.artifacts).toEqual([]);
  const [, table, , , , , custom, image] = reports as unknown as {
    artifact: { hash: string; name: string; type: string };
  }[];
  const bytes = outcome.values.find(({ hash }) => hash === table?.artifact.hash)?.bytes;
  expect(JSON.parse(Buffer.from(bytes!).toString())).toEqual({
    json: {
      columns: ['a', 'b', 'c'],
      rows: [
        [1, 'x', null],
        [null, 'y', null],
      ],
    },
  });
  expect(custom?.artifact.name).toBe('p/q/3');
  expect(image?.artifact.type).toBe('image');
});

test('a busy step’s reports are seen while it is busy', async () => {
  const pool = await rig.pool({ graceMs: 20 });
  const request = await rig.request(
    `import { currentTask } from '$framework';
     export default () => { for (let i = 0; ; i += 1) { currentTask().logger.reportScalar({ title: 'loss', value: 1 / (i + 1), iteration: i }); const until = Date.now() + 5; while (Date.now() < until); } };`,
  );
  const controller = new AbortController();
  const { reports } = await rig.execute(pool, request, {
    signal: controller.signal,
    onReport: (report) =>
      'iteration' in report && report.iteration > 20 && controller.abort({ reason: 'stopped' }),
  });
  expect(reports.length).toBeGreaterThan(20);
});

test.each(['process', 'inline'] as const)(
  'a report comes with the small bytes it refers to while the step goes on (%s)',
  async (isolation) => {
    const pool = await rig.pool();
    const request = await rig.request(
      `import { currentTask } from '$framework';
       export default () => { currentTask().logger.reportTable({ title: 't', table: [{ a: 1 }] }); currentTask().logger.reportSingleValue('n', 1); };`,
    );
    const told: [string, boolean][] = [];
    await rig.execute(pool, request, {
      isolation,
      onReport: (report, inline) => told.push([report.kind, inline !== undefined]),
    });
    expect(told.toSorted()).toEqual([
      ['single-value', false],
      ['table', true],
    ]);
  },
);

test.each([
  ['reportScalar({ title: "t", value: "1", iteration: 0 })', '`value` must be a number'],
  ['reportScalar({ title: "t", value: 1 })', '`iteration` is missing'],
  ['reportScalar({ title: "t", value: 1, iteration: -1 })', '`iteration` must be a whole number'],
  ['reportScalar({ title: "", value: 1, iteration: 1 })', '`title` must be a text'],
  ['reportSingleValue("a", null)', '`value` must be a number, not null'],
  ['reportText(7)', 'must be a string'],
  ['reportTable({ title: "t", table: [1] })', '`table` must be a list of objects'],
  ['reportTable({ title: "t", table: { columns: ["a"], rows: [[1, 2]] } })', 'row 0 does not have 1 cells'],
  ['reportHistogram({ title: "t", values: [1, NaN] })', '`values[1]` must be a finite number'],
  ['reportScatter({ title: "t", points: [[1, 2], [1]] })', 'point 1 is not'],
  ['reportConfusionMatrix({ title: "t", matrix: [[1, 2], [1]] })', 'row 1 of `matrix` has 1 numbers'],
  [
    'reportConfusionMatrix({ title: "t", matrix: [[1, 2]], xLabels: ["a"] })',
    '`xLabels` has 1 texts, 2 are wanted',
  ],
  ['reportPlot({ title: "t" })', '`figure` must be an object'],
  ['reportImage({ title: "t", image: Buffer.from("text") })', 'is not a PNG'],
  ['reportImage(undefined)', 'takes one object'],
])('wrong reports are refused: logger.%s', async (call, message) => {
  const { outcome } = await run(`logger.${call};`);
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { name: 'TypeError', message: expect.stringContaining(message) },
  });
});

test('a scalar that is not finite is left out with a warning', async () => {
  const { outcome, reports, stderr } = await run(
    `logger.reportScalar({ title: 'loss', value: NaN, iteration: 4 });`,
  );
  expect({ status: outcome.status, reports }).toEqual({ status: 'completed', reports: [] });
  expect(stderr).toContain('loss/loss at iteration 4 is NaN');
});

test('reported text is masked like the console', async () => {
  const { reports } = await run(`logger.reportText('token ' + process.env.TOKEN);`, {
    env: { TOKEN: 'hunter2hunter2' },
    secrets: ['hunter2hunter2'],
  });
  expect(reports).toEqual([{ kind: 'text', text: 'token ***' }]);
});

test('assets are found by their name, and nothing else is', async () => {
  const assetsDirectory = `${rig.directory}/assets`;
  await mkdir(assetsDirectory, { recursive: true });
  await writeFile(`${assetsDirectory}/model.onnx`, 'm');
  const found = await run(`return [task.assetPath('model.onnx'), task.assetPath('./model.onnx')];`, {
    assetsDirectory,
  });
  expect(await artifactsOf(found.outcome)).toEqual({
    result: [`${assetsDirectory}/model.onnx`, `${assetsDirectory}/model.onnx`],
  });
  // As declared: relative to the source file.
  const below = await run(`return task.assetPath('../model.onnx');`, { assetsDirectory, assetsFrom: 'src' });
  expect(await artifactsOf(below.outcome)).toEqual({ result: `${assetsDirectory}/model.onnx` });
  for (const name of ['../data.csv', '/etc/passwd', 'other', '.']) {
    const { outcome } = await run(`task.assetPath(${JSON.stringify(name)});`, { assetsDirectory });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'unknown-asset' } });
  }
});
