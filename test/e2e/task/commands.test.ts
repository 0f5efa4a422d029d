import { expect, test } from 'vitest';
import { BINARY, query } from '../../rig/command.js';
import { ask } from '../../rig/questions.js';
import { ended, printed, ScriptProject, type ShownTask } from '../../rig/scripts.js';

const TRAIN = `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'ignored', name: 'ignored' });
const args = task.connect({ rows: 3, mode: 'fast' });
console.log('rows', args.rows, task.project, task.name);
await task.uploadArtifact('rows', args.rows);
if (args.mode === 'fail') throw new RangeError('too far');
if (args.mode === 'wait') { task.signal.addEventListener('abort', () => process.exit(0)); setInterval(() => {}, 1000); console.log('waiting'); }
`;

const project = (): ScriptProject => new ScriptProject({ 'train.ts': TRAIN });
const CREATE = ['create', 'train.ts', '--project', 'examples', '--name', 'train'] as const;

test('create makes a draft without running the script, and prints its id alone on stdout', async () => {
  const it = project();
  const created = await it.node(
    BINARY,
    'task',
    ...CREATE,
    '--type',
    'testing',
    '--tag',
    'a',
    '--tag',
    'b',
    '--comment',
    'why',
    '--arg',
    'rows=5',
    '--arg',
    'Model/depth=2',
    '--config',
    'network={"a":1}',
  );
  expect(created).toMatchObject({ code: 0, stderr: 'created the draft examples/train\n' });
  expect(created.stdout).toMatch(/^[0-9a-z]{26}\n$/);
  expect(await it.show()).toMatchObject({
    id: created.stdout.trim(),
    project: 'examples',
    name: 'train',
    type: 'testing',
    status: 'created',
    tags: ['a', 'b'],
    comment: 'why',
    attempt: 0,
    parameters: { 'General/rows': '5', 'Model/depth': '2' },
    configurations: { network: '{"a":1}' },
    script: { file: 'train.ts', package: expect.stringContaining('sha256:') as unknown },
  });
  expect(await it.logs()).toBe('');
});

test('create with a queue enqueues, and says at once when no agent serves it', async () => {
  const it = project();
  const created = await it.task(...CREATE, '--queue', 'gpu', '--priority', '-2');
  expect(created.code).toBe(0);
  expect(created.stderr).toContain(
    'no agent serves queue "gpu": start one with run-pipeline agent --queue gpu',
  );
  expect(await it.show()).toMatchObject({ status: 'queued', queue: 'gpu', priority: -2 });
});

test.each([
  [['create', 'train.ts'], 2, 'a task of a script needs --project'],
  [['create', 'train.ts', '--project', 'x'], 2, 'needs --name'],
  [['create', 'nothing.ts', '--project', 'x', '--name', 'y'], 3, 'nothing.ts does not exist'],
  [['create', 'broken.ts', '--project', 'x', '--name', 'y'], 3, 'broken.ts:1:'],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--arg', 'rows'],
    2,
    '--arg takes NAME=VALUE, not "rows"',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--arg', '/rows=1'],
    2,
    '--arg takes SECTION/NAME=VALUE',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--config', 'a=@missing'],
    2,
    'missing cannot be read',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--type', 'trainig'],
    2,
    '(did you mean "training"?)',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--queue', ' a'],
    2,
    'cannot be the name of a queue',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--priority', '2'],
    2,
    '--priority says nothing without --queue',
  ],
  [
    ['create', 'train.ts', '--project', 'x', '--name', 'y', '--queue', 'a', '--priority', 'high'],
    2,
    '--priority takes a whole number',
  ],
  [['show', 'nothing'], 2, 'there are no tasks yet'],
  [['nothing'], 2, 'unknown command task nothing'],
  [[], 2, 'task what?'],
])('task %j is refused with %d', async (args, code, message) => {
  const it = new ScriptProject({ 'train.ts': TRAIN, 'broken.ts': 'import { x } from "./gone.js";\nx();\n' });
  const result = await it.task(...args);
  expect(result.stderr).toContain(message);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe('');
  // Nothing was made on the way.
  expect(await it.list()).toEqual([]);
});

test('run executes a script as a new task, with its arguments, and shows what it prints', async () => {
  const it = project();
  const run = await it.task('run', 'train.ts', '--project', 'examples', '--name', 'train', '--arg', 'rows=7');
  expect(run).toMatchObject({ code: 0, stdout: 'rows 7 examples train\n' });
  expect(run.stderr).toMatch(/^▶ examples\/train \w{26}\n✔ examples\/train .*\n$/);
  expect(await it.show()).toMatchObject({ status: 'completed', parameters: { 'General/rows': 7 } });
  expect(await it.get('rows')).toBe(7);
});

test('run of a task that fails exits 1 and shows where; with --json one document, the rest on stderr', async () => {
  const it = project();
  const failed = await it.task(
    'run',
    'train.ts',
    '--project',
    'examples',
    '--name',
    'train',
    '--arg',
    'mode=fail',
  );
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('✖ examples/train failed: RangeError: too far');
  expect(failed.stderr).toContain('train.ts:6:');
  const json = await it.task('run', 'train.ts', '--project', 'examples', '--name', 'train', '--json');
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({ status: 'completed', artifacts: [{ name: 'rows' }] });
  expect(json.stderr).toContain('rows 3 examples train\n');
});

test('run takes a task out of its queue; what runs or has run is refused', async () => {
  const it = project();
  const { stdout } = await it.task(...CREATE, '--queue', 'gpu');
  const id = stdout.trim();
  expect(await it.task('run', id, '--arg', 'rows=4')).toMatchObject({
    code: 0,
    stdout: 'rows 4 examples train\n',
  });
  expect(await it.show(id)).toMatchObject({ status: 'completed', attempt: 1, queue: 'gpu' });
  for (const args of [
    ['run', id],
    ['run', id, '--arg', 'rows=9'],
  ]) {
    const again = await it.task(...args);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('has run: it is completed');
  }
  expect((await it.show(id)).parameters).toMatchObject({ 'General/rows': 4 });
});

test('Ctrl-C in task run aborts the task; so does task abort from elsewhere', async () => {
  const it = project();
  for (const way of ['SIGINT', 'abort'] as const) {
    const child = it.start([
      BINARY,
      'task',
      'run',
      'train.ts',
      '--project',
      'examples',
      '--name',
      way,
      '--arg',
      'mode=wait',
    ]);
    await printed(child, 'waiting');
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += String(chunk)));
    const end = ended(child);
    const busy = await it.task('run', `examples/${way}`);
    expect(busy.stderr).toContain('is being executed already');
    if (way === 'SIGINT') child.kill('SIGINT');
    else await it.task('abort', `examples/${way}`, '--reason', 'enough');
    expect(await end).toEqual({ code: way === 'SIGINT' ? 130 : 1, signal: null });
    const task = await it.show(`examples/${way}`);
    expect(said.includes('stopping: the task is told (Ctrl-C again: at once)')).toBe(way === 'SIGINT');
    expect(said).toContain(`next: run-pipeline task run "$(run-pipeline task clone ${task.id})"`);
    expect(task).toMatchObject({
      status: 'aborted',
      error: { message: way === 'SIGINT' ? 'interrupted by SIGINT' : 'enough' },
      artifacts: [{ name: 'rows' }],
    });
  }
});

test('clone, enqueue, publish, abort', async () => {
  const it = project();
  const id = (await it.task(...CREATE, '--tag', 'a')).stdout.trim();
  const clone = await it.task('clone', 'examples/train', '--arg', 'rows=4', '--name', 'other', '--tag', 'b');
  expect(await it.show(clone.stdout.trim())).toMatchObject({
    name: 'other',
    parent: id,
    status: 'created',
    tags: ['b'],
    parameters: { 'General/rows': '4' },
  });
  expect(
    await query(['task', 'enqueue', 'examples/other', '--queue', 'gpu', '--priority', '3'], it.options),
  ).toMatchObject({ status: 'queued', queue: 'gpu' });
  expect((await it.task('enqueue', 'examples/other')).stderr).toContain('is queued: it cannot be enqueued');
  expect((await it.task('publish', 'examples/other')).code).toBe(2);
  expect(await query(['task', 'abort', 'examples/other'], it.options)).toMatchObject({
    status: 'aborted',
    aborted: true,
  });
  expect(await query(['task', 'abort', 'examples/other'], it.options)).toMatchObject({ aborted: false });
  // An aborted one may be tried again.
  expect((await it.task('enqueue', 'examples/other')).stdout).toContain(
    'examples/other waits in queue default',
  );
  expect((await it.task('publish', id)).stdout).toBe(`examples/train is published (${id})\n`);
  expect(await it.show(id)).toMatchObject({ status: 'published' });
  expect((await it.task('run', id)).stderr).toContain('it is published');
  expect((await it.task('clone', id)).code).toBe(0);
});

test('ls filters, newest first; show and ls are readable', async () => {
  const it = project();
  for (const [name, tag] of [
    ['one', 'a'],
    ['two', 'a'],
    ['three', 'b'],
  ] as const)
    await it.task(
      'create',
      'train.ts',
      '--project',
      'examples',
      '--name',
      name,
      '--tag',
      tag,
      '--type',
      'testing',
    );
  await it.task('create', 'train.ts', '--project', 'other', '--name', 'one');
  await it.task('enqueue', 'examples/two');
  const names = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await it.list(...args)).map(({ project: of, name }) => `${of}/${name}`);
  expect(await names()).toEqual(['other/one', 'examples/three', 'examples/two', 'examples/one']);
  expect(await names('--project', 'examples', '--tag', 'a')).toEqual(['examples/two', 'examples/one']);
  expect(await names('--name', 'one')).toEqual(['other/one', 'examples/one']);
  expect(await names('--status', 'queued')).toEqual(['examples/two']);
  expect(await names('--status', 'queued', '--status', 'created', '--type', 'training')).toEqual([
    'other/one',
  ]);
  expect(await names('--limit', '1')).toEqual(['other/one']);
  const shown = (await it.task('ls', '--project', 'examples')).stdout.split('\n');
  expect(shown[0]).toMatch(/^· draft +examples\/three +testing +just now +b +\w{26}$/);
  expect(shown[1]).toMatch(/^· queued +examples\/two +testing +just now +in default +a +\w{26}$/);
  const one = (await it.task('show', 'examples/one')).stdout;
  expect(one).toContain('· draft examples/one just now');
  expect(one).toMatch(/ {2}script +train\.ts\n/);
});

test('a task is named by its id, a unique beginning of it, its project and name, or latest', async () => {
  const it = project();
  const id = (await it.task('create', 'train.ts', '--project', 'a/b', '--name', 'c/d')).stdout.trim();
  for (const name of [id, id.slice(0, 20), 'a/b/c/d', 'latest']) expect((await it.show(name)).id).toBe(id);
  const other = (await it.task('create', 'train.ts', '--project', 'a/b', '--name', 'c/d')).stdout.trim();
  expect((await it.show('a/b/c/d')).id).toBe(other);
  for (const [name, message] of [
    [id.slice(0, 4), 'several tasks begin with'],
    ['a/b/c/x', 'there is no'],
    ['zzzz', 'there is no task "zzzz"'],
  ] as const) {
    const result = await it.task('show', name);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(message);
  }
});

test('logs follow a task until it has ended; -f --json is one piece a line', async () => {
  const it = new ScriptProject({
    'talk.mjs': `import { Task } from 'run-pipeline';
import { existsSync } from 'node:fs';
const task = await Task.init({ project: 'examples', name: 'talk' });
console.log('one');
console.error('two');
while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
process.stdout.write('three\\n\\x1b[2Jlast');
`,
  });
  const script = it.start(['talk.mjs']);
  await printed(script, 'one');
  const follower = it.start([BINARY, 'task', 'logs', 'latest', '-f', '--json']);
  let lines = '';
  follower.stdout?.on('data', (chunk: Buffer) => (lines += String(chunk)));
  await printed(follower, 'two');
  const end = ended(follower);
  it.scratch.write({ go: '' });
  expect((await end).code).toBe(0);
  const rows = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; stream: string });
  expect(rows.map(({ text }) => text).join('')).toBe('one\ntwo\nthree\n\x1b[2Jlast');
  expect((await it.task('logs', 'latest')).stdout).toBe('one\ntwo\nthree\nlast\n');
  expect((await it.task('logs', 'latest', '--stream', 'stderr')).stdout).toBe('two\n');
});

test('every command has help with an example', async () => {
  const it = project();
  for (const verb of ['create', 'run', 'ls', 'show', 'logs', 'get', 'clone', 'enqueue', 'publish', 'abort']) {
    const { code, stdout } = await ask(['task', verb, '--help'], it.options);
    expect(code).toBe(0);
    expect(stdout).toContain(`run-pipeline task ${verb}`);
    expect(stdout).toMatch(/Examples?\n/);
  }
});

test('state that cannot be written is told before the script does anything', async () => {
  const it = new ScriptProject({ 'train.js': TRAIN, 'in-the-way': '' }, { RUN_PIPELINE_HOME: 'in-the-way' });
  const result = await it.node('train.js');
  expect(result.code).toBe(1);
  expect(result.stdout).toBe('');
  expect(result.stderr).toContain('the state of this project cannot be kept in');
});

test('a task whose script is gone runs from its package', async () => {
  const it = project();
  const id = (await it.task(...CREATE)).stdout.trim();
  it.scratch.write({ 'train.ts': 'throw new Error("changed");\n' });
  expect(await it.task('run', id)).toMatchObject({ code: 0, stdout: 'rows 3 examples train\n' });
  const shown: ShownTask = await it.show(id);
  expect(shown.status).toBe('completed');
});
