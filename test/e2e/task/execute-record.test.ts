import { join } from 'node:path';
import type { StoredArtifact, TaskRecord } from '@run-pipeline/core/model';
import { expect, onTestFinished, test } from 'vitest';
import type {
  RecordEnding,
  RecordExecution,
} from '../../../packages/runtime/src/engine/attempt/execute-record.js';
import type { Project } from '../../../packages/runtime/src/project/project.js';
import { repository, scratch } from '../../rig/scratch.js';
import {
  createWorkerPool,
  decodeStored,
  executeRecord,
  newTaskId,
  openProject,
  packageScript,
  processIdentity,
  RECYCLE,
} from '../../rig/engine.js';

interface Claimed {
  readonly project: Project;
  readonly task: TaskRecord;
  readonly fence: number;
  execute(options?: Partial<RecordExecution>): Promise<RecordEnding>;
}

/** A record of this script that waits in `default`, claimed. */
async function claimed(code: string): Promise<Claimed> {
  const { directory } = scratch({ 'script.ts': code });
  const project = await openProject({ cwd: directory, env: {} });
  const pool = createWorkerPool({
    workerFile: join(repository, 'packages/runtime/dist/worker.js'),
    size: 1,
    recycle: RECYCLE,
    graceMs: 500,
  });
  onTestFinished(async () => {
    await pool.close();
    await project.close();
  });
  const { hash, manifest } = await packageScript({ paths: project, file: 'script.ts' });
  const id = newTaskId();
  const { store } = project;
  await store.createTask({
    id,
    project: 'examples',
    name: 'a script',
    type: 'training',
    edit: {
      script: { file: 'script.ts', package: hash, dependencies: manifest.dependencies, node: '20.0.0' },
      parameters: { General: { lr: { json: 0.5 } } },
    },
  });
  await store.enqueueTask({ task: id, kind: 'task', queue: 'default', priority: 0 });
  const claim = await store.claimQueued({
    task: id,
    attempt: 1,
    executor: processIdentity(),
    agent: 'here:1-a',
    leaseMs: 60_000,
  });
  if (!claim.ok) throw new Error('it cannot be claimed');
  const { fence } = claim;
  const task = (await store.readTask(id))!;
  return {
    project,
    task,
    fence,
    execute: (options) =>
      executeRecord({
        project,
        pool,
        task,
        attempt: 1,
        fence,
        env: { PATH: process.env.PATH ?? '' },
        cwd: directory,
        signal: new AbortController().signal,
        ...options,
      }),
  };
}

const CURRENT = `import { currentTask } from 'run-pipeline';\nconst task = currentTask();\n`;

const printed = async ({ project, task }: Claimed): Promise<string> =>
  (await project.store.readTaskOutput(task.id)).map((row) => (row.kind === 'log' ? row.text : '')).join('');

test('a record is executed: console, reports, uploads and its end are in the store, in order', async () => {
  const it = await claimed(`${CURRENT}
    console.log('one', task.id.length, task.name, task.project);
    task.logger.reportSingleValue('accuracy', 0.5);
    await task.uploadArtifact('rows', [{ x: 1 }]);
    task.logger.reportTable({ title: 'table', table: [{ a: 1 }, { a: 2 }] });
    console.log('two');
  `);
  expect(await it.execute()).toEqual({ status: 'completed' });
  const { store } = it.project;
  expect(await store.readTask(it.task.id)).toMatchObject({ status: 'completed', attempt: 1 });
  const rows = await store.readTaskOutput(it.task.id);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index));
  expect(await printed(it)).toBe('one 26 a script examples\ntwo\n');
  const reports = rows.flatMap((row) => (row.kind === 'report' ? [row.report] : []));
  expect(reports.map(({ kind }) => kind)).toEqual(['single-value', 'table']);
  const table = reports[1]!;
  if (table.kind !== 'table') throw new Error('the table is missing');
  const bytes = await store.readValue(table.artifact.hash);
  expect(Buffer.from(bytes ?? []).toString()).toContain('"a"');
  const [artifact] = await store.readTaskArtifacts(it.task.id);
  expect(await decodeStored(it.project, artifact as StoredArtifact)).toEqual([{ x: 1 }]);
});

test('an error is the failure of the task, with its place in the script', async () => {
  const it = await claimed(
    `${CURRENT}console.log('before');\nthrow new RangeError('too far ' + task.name);\n`,
  );
  expect(await it.execute()).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', message: 'too far a script', at: 'script.ts:4:7' },
  });
  expect(await it.project.store.readTask(it.task.id)).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', at: 'script.ts:4:7' },
  });
  expect(await printed(it)).toBe('before\n');
});

test('what keeps it from being started fails the task, too', async () => {
  const it = await claimed('console.log(1);');
  const ending = await it.execute({
    modules: () => Promise.reject(new Error('npm ci failed')),
  });
  expect(ending).toMatchObject({ status: 'failed', error: { message: 'npm ci failed' } });
  expect(await it.project.store.readTask(it.task.id)).toMatchObject({ status: 'failed' });
});

test('a record without code fails with what to do', async () => {
  const it = await claimed('console.log(1);');
  const task = { ...it.task, script: undefined };
  expect(await it.execute({ task })).toMatchObject({ status: 'failed', error: { code: 'no-script' } });
});

const ENDLESS = `console.log('up'); await new Promise((resolve) => setTimeout(resolve, 600_000));`;

test('a stop ends it as aborted, with the reason', async () => {
  const it = await claimed(ENDLESS);
  const stop = new AbortController();
  const ending = await it.execute({
    signal: stop.signal,
    onLog: () => stop.abort({ reason: 'stopped', message: 'stopped by Ada' }),
  });
  expect(ending).toEqual({
    status: 'aborted',
    error: { name: 'TaskAborted', code: 'aborted', message: 'stopped by Ada' },
  });
  expect(await it.project.store.readTask(it.task.id)).toMatchObject({
    status: 'aborted',
    error: { message: 'stopped by Ada' },
  });
});

test('a shutdown hands it back to its queue, as the next attempt', async () => {
  const it = await claimed(ENDLESS);
  const stop = new AbortController();
  const ending = await it.execute({
    signal: stop.signal,
    onLog: () => stop.abort({ reason: 'shutdown' }),
  });
  expect(ending).toEqual({ status: 'handed-back' });
  expect(await it.project.store.listQueued('default')).toMatchObject([{ task: it.task.id, attempt: 2 }]);
});

test('who lost the attempt keeps nothing: the worker is killed, what it says is dropped', async () => {
  const it = await claimed(`console.log('up'); setInterval(() => console.log('more'), 5);`);
  let pid = 0;
  let released: Promise<boolean> | undefined;
  const ending = await it.execute({
    onWorker: (worker) => void (pid = worker.pid),
    onLog: () => (released ??= it.project.store.releaseTask(it.task.id, it.fence, 'taken')),
  });
  expect(ending).toEqual({ status: 'lost' });
  expect(await released).toBe(true);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(await it.project.store.readTask(it.task.id)).toMatchObject({ status: 'queued', attempt: 1 });
});

test('ten megabytes of output are all kept, in order', async () => {
  const it = await claimed(`
    const line = 'x'.repeat(1000);
    for (let i = 0; i < 10_000; i += 1) console.log(i + line);
  `);
  expect(await it.execute()).toEqual({ status: 'completed' });
  const lines = (await printed(it)).trimEnd().split('\n');
  expect(lines).toHaveLength(10_000);
  expect(lines.every((line, index) => line === `${index}${'x'.repeat(1000)}`)).toBe(true);
});
