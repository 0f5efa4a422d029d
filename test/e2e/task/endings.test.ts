import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { userEnvironment } from '../../rig/command.js';
import { ended, printed, ScriptProject, type ShownTask } from '../../rig/scripts.js';
import { isAlive, processIdentity } from '../../rig/engine.js';

const INIT = `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'ends' });
`;

const script = (code: string, env: Readonly<Record<string, string>> = {}): ScriptProject =>
  new ScriptProject({ 'script.mjs': INIT + code }, env);

test.each([
  ['by itself', '', 0, { status: 'completed' }],
  ['by process.exit(0)', 'process.exit(0);', 0, { status: 'completed' }],
  ['by process.exit() in a callback', 'setTimeout(() => process.exit(), 20);', 0, { status: 'completed' }],
  [
    'by process.exit(3)',
    'process.exit(3);',
    3,
    {
      status: 'failed',
      error: { name: 'ProcessExit', code: 'process-exit', message: 'the script ended with exit code 3' },
    },
  ],
  [
    'with an exit code that it set',
    'process.exitCode = 4;',
    4,
    { status: 'failed', error: { code: 'process-exit' } },
  ],
  [
    'with an exit listener that exits itself',
    "process.on('exit', () => { process.exit(6); });",
    6,
    {
      status: 'failed',
      error: { name: 'ProcessExit', code: 'process-exit', message: 'the script ended with exit code 6' },
    },
  ],
  [
    'with an exit code of an exit listener',
    "process.on('exit', () => { process.exitCode = 5; });",
    5,
    { status: 'failed', error: { code: 'process-exit' } },
  ],
  [
    'with the exit code of a signal',
    "process.on('SIGTERM', () => process.exit(143)); setInterval(() => {}, 1000); process.kill(process.pid, 'SIGTERM');",
    143,
    { status: 'aborted', error: { code: 'aborted', message: 'ended by SIGTERM (exit code 143)' } },
  ],
  [
    'waiting for what never comes',
    'await new Promise(() => {});',
    13,
    { status: 'failed', error: { code: 'process-exit' } },
  ],
])('a script that ends %s keeps its exit code, and its task says so', async (_, code, exitCode, expected) => {
  const project = script(`console.log('before');\ntask.logger.reportSingleValue('n', 1);\n${code}\n`);
  const result = await project.node('script.mjs');
  expect(result).toMatchObject({ code: exitCode, stdout: 'before\n' });
  expect(await project.show()).toMatchObject({ ...expected, attempt: 1 });
  expect(await project.logs()).toBe('before\n');
});

test.each([
  ['at its top level', `throw new RangeError('too far');`],
  ['in a callback', `setTimeout(() => { throw new RangeError('too far'); }, 5);`],
  [
    'in a promise that nobody handles',
    `void (async () => { await null; throw new RangeError('too far'); })();`,
  ],
])('an uncaught error is the failure of the task: %s', async (_, code) => {
  const project = script(`console.log('before');\n${code}\n`);
  const result = await project.node('script.mjs');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('RangeError: too far');
  expect(await project.show()).toMatchObject({
    status: 'failed',
    error: {
      name: 'RangeError',
      message: 'too far',
      at: expect.stringMatching(/^script.mjs:4:\d+$/) as unknown,
    },
  });
  expect(await project.logs()).toMatch(/^before\nRangeError: too far\n +at .*script\.mjs:4:/);
});

test('an error that the program handles itself is no failure', async () => {
  const project = script(`
    process.on('uncaughtException', (error) => console.log('handled', error.message));
    setTimeout(() => { throw new Error('one'); }, 5);
    setTimeout(() => console.log('on'), 50);
  `);
  expect(await project.node('script.mjs')).toMatchObject({ code: 0, stdout: 'handled one\non\n' });
  expect(await project.show()).toMatchObject({ status: 'completed' });
  expect(await project.logs()).toBe('handled one\non\n');
});

test('errors in TypeScript are told in the source', async () => {
  const project = new ScriptProject({
    'script.ts': `${INIT}interface A { x: number }\nconst a = undefined as unknown as A;\n\nconsole.log(a.x);\n`,
  });
  expect((await project.tsx('script.ts')).code).toBe(1);
  expect(await project.show()).toMatchObject({
    status: 'failed',
    error: { name: 'TypeError', at: 'script.ts:6:15' },
  });
});

test('what is printed and reported last is kept, whoever prints it', async () => {
  const project = script(`
    process.on('exit', (code) => console.log('first', code));
    const { logger } = task;
    process.on('exit', () => {
      console.log('second');
      logger.reportText('bye');
      logger.reportTable({ title: 'last', table: [{ a: 1 }] });
      logger.reportPlot({ title: 'big', figure: { data: new Array(20_000).fill('a point') } });
    });
    void task.uploadArtifact('late', new Array(50_000).fill('a value'));
    void task.uploadArtifact('file', 'script.mjs');
    process.exit(0);
  `);
  expect(await project.node('script.mjs')).toMatchObject({ code: 0, stdout: 'first 0\nsecond\n' });
  const task = await project.show();
  expect(task.status).toBe('completed');
  expect(await project.logs()).toBe('first 0\nsecond\n');
  expect(task.artifacts.map(({ name }) => name)).toEqual(['late', 'file']);
  expect(await project.get('late')).toHaveLength(50_000);
});

test('an upload that cannot be stored rejects; a report that cannot throws at once', async () => {
  const project = script(`
    await task.uploadArtifact('fn', { a: () => 1 }).catch((error) => console.log(error.code, error.message));
    await task.uploadArtifact('bad name', 1).catch((error) => console.log(error.code));
    try { task.logger.reportImage({ title: 't', image: 'missing.png' }); } catch (error) { console.log(error.code); }
    try { task.logger.reportPlot({ title: 't', figure: { f: () => 1 } }); } catch (error) { console.log(error.code); }
  `);
  const { stdout } = await project.node('script.mjs');
  expect(stdout).toMatch(
    /^artifact-lossy fn\.a is a function.*\nartifact-name\nfile-missing\nartifact-lossy\n$/,
  );
  expect(await project.show()).toMatchObject({ status: 'completed', artifacts: [] });
});

const ENDLESS = `
process.stdout.write('up\\n');
await task.uploadArtifact('rows', [1]);
console.log('stored');
setInterval(() => {}, 1000);
`;
const BUSY = `await task.uploadArtifact('rows', [1]);\nconsole.log('stored');\nfor (;;);\n`;

async function until(project: ScriptProject, status: string): Promise<ShownTask> {
  let task = await project.show();
  await expect
    .poll(async () => (task = await project.show()).status, { timeout: 30_000, interval: 20 })
    .not.toBe('running');
  expect(task.status).toBe(status);
  return task;
}

test.each([
  ['SIGKILL', ENDLESS],
  ['SIGINT', BUSY],
  ['SIGHUP', ENDLESS],
] as const)('%s ends it as ever, and its task is aborted at once', async (signal, code) => {
  // The lease is longer than this test: it is not what tells.
  const project = script(code, { RUN_PIPELINE_LEASE_MS: '600000' });
  const child = project.start(['script.mjs']);
  await printed(child, 'stored');
  // Also of code that never yields.
  await expect.poll(() => project.logs(), { timeout: 30_000, interval: 20 }).toContain('stored\n');
  const end = ended(child);
  child.kill(signal);
  expect(await end).toEqual({ code: null, signal });
  const task = await until(project, 'aborted');
  expect(task).toMatchObject({ error: { code: 'process-lost' }, artifacts: [{ name: 'rows' }] });
});

/** The shell that waits for the end of the script. */
function watcherOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const shell = children.find((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'sh');
  if (shell === undefined) throw new Error('there is no watcher');
  return shell;
}

test('when nobody is left to tell, the lease does', async () => {
  const project = script(ENDLESS, { RUN_PIPELINE_LEASE_MS: '1000' });
  const child = project.start(['script.mjs']);
  await printed(child, 'stored');
  const watcher = processIdentity(watcherOf(child.pid!));
  const end = ended(child);
  process.kill(watcher.pid, 'SIGKILL');
  await expect.poll(() => isAlive(watcher)).toBe('dead');
  child.kill('SIGKILL');
  await end;
  // Following it looks for lost tasks.
  expect((await project.task('logs', 'latest', '-f')).code).toBe(0);
  const task = await until(project, 'aborted');
  expect(task.error).toMatchObject({
    code: 'process-lost',
    message: 'the process that executed it was not heard of for longer than its lease',
  });
});

test('a busy script does not look dead', async () => {
  const project = script(
    `console.log('busy');\nconst until = Date.now() + 2500;\nwhile (Date.now() < until);\nconsole.log('done');\n`,
    { RUN_PIPELINE_LEASE_MS: '600' },
  );
  const child = project.start(['script.mjs']);
  const end = ended(child);
  await printed(child, 'busy');
  // Following it looks for lost tasks, again and again.
  expect((await project.task('logs', 'latest', '-f')).stdout).toBe('busy\ndone\n');
  expect(await end).toEqual({ code: 0, signal: null });
  expect(await project.show()).toMatchObject({ status: 'completed' });
});

test('task abort asks a script to stop; one that goes on is ended', async () => {
  const polite = script(`
    task.signal.addEventListener('abort', () => { console.log('bye'); process.exit(0); });
    console.log('up');
    setInterval(() => {}, 1000);
  `);
  const first = polite.start(['script.mjs']);
  await printed(first, 'up');
  const firstEnd = ended(first);
  expect((await polite.task('abort', 'latest', '--reason', 'wrong data')).stdout).toContain(
    'was asked to stop',
  );
  expect(await firstEnd).toEqual({ code: 0, signal: null });
  expect(await until(polite, 'aborted')).toMatchObject({ error: { message: 'wrong data' } });
  expect(await polite.logs()).toBe('up\nbye\n');

  const busy = script(BUSY, { RUN_PIPELINE_GRACE_MS: '200' });
  const second = busy.start(['script.mjs']);
  await printed(second, 'stored');
  const secondEnd = ended(second);
  await busy.task('abort', 'latest');
  expect(await secondEnd).toEqual({ code: null, signal: 'SIGTERM' });
  expect(await until(busy, 'aborted')).toMatchObject({
    error: { message: 'aborted by run-pipeline task abort' },
  });
});

test('close and markFailed end the task while the script goes on', async () => {
  const project = new ScriptProject({
    'script.mjs': `import { Task } from 'run-pipeline';
const one = await Task.init({ project: 'examples', name: 'one' });
await one.uploadArtifact('rows', [1, 2]);
console.log('in');
await one.close();
console.log('out', one.status, await one.artifacts.rows.get());
const two = await Task.init({ project: 'examples', name: 'two' });
await two.markFailed('bad data');
console.log(two.status, two.error.message);
await two.uploadArtifact('late', 1).catch((error) => console.log(error.code));
`,
  });
  expect(await project.node('script.mjs')).toMatchObject({
    code: 0,
    stdout: 'in\nout completed [ 1, 2 ]\nfailed bad data\nnot-current-task\n',
  });
  expect(await project.logs('examples/one')).toBe('in\n');
  expect(await project.show('examples/one')).toMatchObject({ status: 'completed' });
  expect(await project.show('examples/two')).toMatchObject({
    status: 'failed',
    error: { message: 'bad data' },
  });
});

test.each(['> /dev/full', '| true', '>&-'])(
  'a script whose output goes nowhere (%s) ends as it would without a task',
  async (redirection) => {
    const project = new ScriptProject({
      // Nobody hears it, and Node lets that be.
      'script.mjs': `import { Task } from 'run-pipeline';
await Task.init({ project: 'examples', name: 'unheard' });
for (let line = 1; line <= 3; line += 1) console.log('line', line);
await new Promise((resolve) => setTimeout(resolve, 50));
process.exitCode = 3;
`,
    });
    const line = `node script.mjs ${redirection}; true`;
    execFileSync('sh', ['-c', line], {
      cwd: project.scratch.directory,
      env: userEnvironment(project.options.env),
      stdio: 'pipe',
    });
    const { status, error } = await project.show();
    // 3 is its own: an uncaught error would be 1.
    expect({ status, message: error?.message }).toEqual({
      status: 'failed',
      message: expect.stringContaining('3'),
    });
    expect(await project.logs()).toBe('line 1\nline 2\nline 3\n');
  },
);

test('an exit listener that throws fails the script, and its task', async () => {
  const project = script("process.on('exit', () => { throw new Error('at the end'); });\n");
  expect(await project.node('script.mjs')).toMatchObject({ code: 1 });
  expect(await project.show()).toMatchObject({
    status: 'failed',
    error: { code: 'uncaught-exception', message: 'at the end' },
  });
  expect(await project.logs()).toContain('Error: at the end\n');
});

test('what a task is called is no command to the terminal', async () => {
  const project = new ScriptProject({
    'script.mjs': `import { Task } from 'run-pipeline';
await Task.init({ project: 'examples', name: 'a\\u001b]0;b\\u0007\\n\\u202ec' });
`,
  });
  const { stderr } = await project.node('script.mjs');
  expect(stderr).toContain('Task a]0;b c: created task ');
  expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
});
