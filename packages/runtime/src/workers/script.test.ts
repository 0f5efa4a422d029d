import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredArtifact, TaskEdit } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import type { TaskRequest } from './protocol.js';
import { useWorkers, type Execution } from './worker-rig.js';

const rig = await useWorkers();

const SCRIPT: Partial<TaskRequest> = {
  entry: { kind: 'script' },
  returns: [],
  script: {
    name: 'prepare',
    project: 'examples',
    type: 'data_processing',
    tags: [],
    parameters: {},
    configurations: {},
  },
};

async function run(
  code: string,
  options: {
    readonly request?: Partial<TaskRequest>;
    readonly signal?: AbortSignal;
    readonly onLog?: () => void;
    readonly graceMs?: number;
  } = {},
): Promise<
  Execution & { readonly artifacts: readonly StoredArtifact[]; readonly edits: readonly TaskEdit[] }
> {
  const pool = await rig.pool({
    size: 1,
    ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
  });
  const artifacts: StoredArtifact[] = [];
  const edits: TaskEdit[] = [];
  const request = await rig.request(`import { currentTask } from '$framework';\n${code}`, {
    ...SCRIPT,
    ...options.request,
  });
  const execution = await rig.execute(pool, request, {
    isolation: 'fresh',
    onArtifact: (artifact) => artifacts.push(artifact),
    onEdit: (edit) => edits.push(edit),
    ...(options.signal !== undefined && { signal: options.signal }),
    ...(options.onLog !== undefined && { onLog: options.onLog }),
  });
  return { ...execution, artifacts, edits };
}

test('evaluating the module is the task; what it uploads are its artifacts', async () => {
  const { outcome, stdout, artifacts } = await run(`
    const task = currentTask();
    console.log(task.name, task.project);
    await task.uploadArtifact('rows', [1, 2, 3]);
    void task.uploadArtifact('late', { a: 1 });
  `);
  expect(outcome).toMatchObject({ status: 'completed' });
  expect(stdout).toBe('step tests\n');
  if (outcome.status !== 'completed') return;
  expect(outcome.artifacts.map(({ record }) => record.name)).toEqual(['rows', 'late']);
  expect(artifacts.map(({ record }) => record.name)).toEqual(['rows', 'late']);
  expect(await rig.decoded(outcome.artifacts[0])).toEqual([1, 2, 3]);
});

test('a main() that nobody awaits is waited for, through timers, files and other tasks of the loop', async () => {
  const { outcome, stdout } = await run(`
    import { setTimeout as delay } from 'node:timers/promises';
    import { readFile } from 'node:fs/promises';
    async function main() {
      await delay(30);
      await readFile(process.argv[0]);
      setImmediate(async () => {
        await currentTask().uploadArtifact('result', 'done');
        console.log('end');
      });
    }
    void main();
  `);
  expect(outcome).toMatchObject({ status: 'completed', artifacts: [{ record: { name: 'result' } }] });
  expect(stdout).toBe('end\n');
});

test('process.exit(0) is a normal end and keeps what was uploaded and reported', async () => {
  const { outcome, stdout } = await run(`
    const { logger, uploadArtifact } = currentTask();
    await uploadArtifact('rows', new Array(1000).fill('a value that is long enough to be a blob'));
    logger.reportSingleValue('accuracy', 0.5);
    console.log('before');
    process.exit(0);
  `);
  expect(outcome).toMatchObject({
    status: 'completed',
    artifacts: [{ record: { name: 'rows' } }],
    reports: [{ kind: 'single-value', name: 'accuracy', value: 0.5 }],
  });
  expect(stdout).toBe('before\n');
});

test('process.exit() before an upload is stored says what is lost', async () => {
  const { outcome, stderr } = await run(`
    void currentTask().uploadArtifact('rows', [1]);
    process.exit();
  `);
  expect(outcome).toMatchObject({ status: 'completed', artifacts: [] });
  expect(stderr).toContain('process.exit() was called while 1 upload or report was still being stored');
});

test.each([
  ['process.exit(3)', 'the script called process.exit(3)'],
  ['process.exitCode = 4', 'the script ended with exit code 4'],
  ["process.on('exit', () => { process.exitCode = 5; })", 'the script ended with exit code 5'],
])('%s fails the task', async (code, message) => {
  const { outcome } = await run(code);
  expect(outcome).toMatchObject({ status: 'failed', error: { code: 'process-exit', message } });
});

test('what a script listens to at its end is called', async () => {
  const { outcome, stdout } = await run(`
    let more = 1;
    process.on('beforeExit', () => { if (more-- > 0) setTimeout(() => console.log('more'), 5); });
    process.on('exit', (code) => console.log('exit', code, currentTask().name));
  `);
  expect(outcome).toMatchObject({ status: 'completed' });
  expect(stdout).toBe('more\nexit 0 step\n');
});

test.each([
  ['at its top level', `throw new RangeError('too far');`],
  ['in a callback', `setTimeout(() => { throw new RangeError('too far'); }, 1);`],
  ['in a promise nobody handles', `void (async () => { await null; throw new RangeError('too far'); })();`],
])('an error fails the task: %s', async (_, code) => {
  const { outcome } = await run(code);
  expect(outcome).toMatchObject({ status: 'failed', error: { name: 'RangeError', message: 'too far' } });
});

test('a top-level await of what never comes is an error, not a hang', async () => {
  const { outcome } = await run('await new Promise(() => {});');
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { code: 'never-settled', message: expect.stringContaining('the script waits') },
  });
});

test('an abort reaches the signal; who goes on is killed', async () => {
  const polite = new AbortController();
  const first = await run(
    `const { signal } = currentTask();
     console.log('up');
     await new Promise((resolve) => { const timer = setTimeout(resolve, 60_000); signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }); });`,
    { signal: polite.signal, onLog: () => polite.abort({ reason: 'stopped' }) },
  );
  expect(first.outcome).toMatchObject({ status: 'aborted', reason: 'stopped' });
  const rude = new AbortController();
  const second = await run(`console.log('up'); for (;;);`, {
    signal: rude.signal,
    onLog: () => rude.abort({ reason: 'timeout' }),
    graceMs: 50,
  });
  expect(second.outcome).toMatchObject({ status: 'aborted', reason: 'timeout' });
});

test('process.argv[1] is the script', async () => {
  const file = join(rig.directory, 'examples', 'prepare.ts');
  const { stdout } = await run('console.log(process.argv.slice(1).join());', {
    request: { script: { ...SCRIPT.script!, file } },
  });
  expect(stdout).toBe(`${file}\n`);
});

test('a second script starts from nothing', async () => {
  await mkdir(join(rig.directory, 'x'), { recursive: true });
  const code = `globalThis.count = (globalThis.count ?? 0) + 1; console.log(globalThis.count);`;
  expect((await run(code)).stdout).toBe('1\n');
  expect((await run(code)).stdout).toBe('1\n');
});
