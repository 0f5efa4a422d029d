import { stepName } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { Workspace } from './rig.js';
import { print, runStart, storeRuns } from './stored-runs.js';

const ID = {
  old: '01aaa0000000000000000000aa',
  new: '01aab0000000000000000000bb',
  lost: '01ccc0000000000000000000cc',
};

async function twoRuns(): Promise<Workspace> {
  const workspace = new Workspace();
  await storeRuns(workspace, async (runs) => {
    const train = stepName('train');
    const before = [{ kind: 'parameter', name: 'lr', hash: 'a', shown: '0.01' }] as const;
    const after = [{ kind: 'parameter', name: 'lr', hash: 'b', shown: '0.001' }] as const;
    await runs.create(ID.old);
    await runs.commit(ID.old, [
      runStart([['load'], ['train', 'load']], { lr: 0.01 }),
      { type: 'step.start', step: train, attempt: 1 },
      { type: 'step.log', step: train, attempt: 1, stream: 'stdout', text: 'epoch 1\nep' },
      { type: 'step.log', step: train, attempt: 1, stream: 'stderr', text: 'careful\u001b[2J\n' },
      { type: 'step.log', step: train, attempt: 1, stream: 'stdout', text: 'och 2\nrest' },
    ]);
    await runs.commit(
      ID.old,
      [
        {
          type: 'step.end',
          step: stepName('load'),
          status: 'cached',
          attempt: 0,
          durationMs: 1,
          artifacts: [],
          why: [],
        },
        {
          type: 'step.end',
          step: train,
          status: 'completed',
          attempt: 1,
          durationMs: 1200,
          artifacts: [],
          why: ['it has not run before'],
          fingerprint: print('train', before),
        },
        { type: 'run.end', status: 'completed', durationMs: 1500 },
      ],
      { parts: [['train', before]] },
    );
    await runs.create(ID.new);
    await runs.commit(
      ID.new,
      [
        {
          ...runStart([['load'], ['train', 'load'], ['publish', 'train']], { lr: 0.001 }),
          number: 2,
        } as never,
        {
          type: 'step.end',
          step: stepName('load'),
          status: 'cached',
          attempt: 0,
          durationMs: 1,
          artifacts: [],
          why: [],
        },
        { type: 'step.start', step: train, attempt: 1 },
        {
          type: 'step.end',
          step: train,
          status: 'failed',
          attempt: 1,
          durationMs: 900,
          artifacts: [],
          why: ['parameter lr 0.01 -> 0.001'],
          fingerprint: print('train', after),
          error: { name: 'TypeError', message: 'no rows', at: 'pipe.ts:5:16', frame: '> 5 │ rows[0].x' },
        },
        {
          type: 'step.end',
          step: stepName('publish'),
          status: 'skipped',
          attempt: 0,
          durationMs: 0,
          artifacts: [],
          why: ['train failed'],
        },
        { type: 'run.end', status: 'failed', durationMs: 1000 },
      ],
      { parts: [['train', after]] },
    );
  });
  return workspace;
}

test('a project without runs answers every question, and nothing is created', async () => {
  const workspace = new Workspace();
  expect(await workspace.json('runs')).toEqual([]);
  expect(await workspace.run(['show', 'latest'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there are no runs yet') as string,
  });
  expect(await workspace.run(['gc'])).toMatchObject({
    code: 0,
    stdout: 'nothing to free: there are no runs here\n',
  });
  const { existsSync } = await import('node:fs');
  expect(existsSync(workspace.path('.run-pipeline'))).toBe(false);
});

test('runs are listed newest first, with the shape that is promised', async () => {
  const workspace = await twoRuns();
  expect(await workspace.json('runs')).toEqual([
    {
      id: ID.new,
      pipeline: 'iris',
      project: 'examples',
      version: '2',
      number: 2,
      status: 'failed',
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    },
    {
      id: ID.old,
      pipeline: 'iris',
      project: 'examples',
      version: '1',
      number: 1,
      status: 'completed',
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    },
  ]);
  expect(await workspace.json('runs', '--status', 'completed')).toHaveLength(1);
  expect(await workspace.json('runs', '--limit', '1')).toMatchObject([{ id: ID.new }]);
  const { stdout } = await workspace.run(['runs']);
  expect(stdout).toMatch(/✖ failed\s+iris#2\s+examples .*01aab/);
});

test('a run is named by id, beginning, name and number, or latest', async () => {
  const workspace = await twoRuns();
  for (const [name, id] of [
    ['latest', ID.new],
    ['iris#1', ID.old],
    [ID.old, ID.old],
    ['01aaa', ID.old],
    ['01AAB', ID.new],
  ] as const) {
    expect(await workspace.json('show', name)).toMatchObject({ id });
  }
});

test('a name that fits several runs, or none, lists the candidates', async () => {
  const workspace = await twoRuns();
  const several = await workspace.run(['show', '01aa']);
  expect(several.code).toBe(2);
  expect(several.stderr).toContain('01aa fits several runs');
  expect(several.stderr).toContain(ID.old);
  const none = await workspace.run(['show', 'iris#7']);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('there is no run iris#7');
  expect(none.stderr).toContain('iris#2 failed');
  const document = await workspace.json<{ error: unknown }>('show', 'nope');
  expect(document.error).toMatchObject({ kind: 'usage', message: 'there is no run nope' });
});

test('show tells steps, errors with their place, and what to do next', async () => {
  const workspace = await twoRuns();
  const shown = await workspace.json<{ steps: unknown[] }>('show', 'latest');
  expect(shown).toMatchObject({ status: 'failed', parameters: { lr: 0.001 } });
  expect(shown.steps).toMatchObject([
    { name: 'load', status: 'cached', attempts: 0 },
    { name: 'train', status: 'failed', parents: ['load'], attempts: 1, error: { at: 'pipe.ts:5:16' } },
    { name: 'publish', status: 'skipped' },
  ]);
  const { stdout } = await workspace.run(['show', 'latest']);
  expect(stdout).toContain('✖ train failed: TypeError: no rows\npipe.ts:5:16\n> 5 │ rows[0].x\n');
  expect(stdout).toContain('1 step skipped because of it');
  expect(stdout).toContain(`run-pipeline resume ${ID.new}`);
  // eslint-disable-next-line no-control-regex
  expect(stdout).not.toMatch(/\u001b/);
});

test('logs join the pieces of a line, keep the streams apart and let no control through', async () => {
  const workspace = await twoRuns();
  expect((await workspace.run(['logs', 'iris#1'])).stdout).toBe(
    'train │ epoch 1\ntrain │ careful\ntrain │ epoch 2\ntrain │ rest\n',
  );
  expect((await workspace.run(['logs', 'iris#1', 'train', '--stream', 'stderr'])).stdout).toBe('careful\n');
  const raw = (await workspace.run(['logs', 'iris#1', '--json'])).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string });
  expect(raw.map(({ text }) => text)).toEqual(['epoch 1\nep', 'careful\u001b[2J\n', 'och 2\nrest']);
  expect(await workspace.run(['logs', 'iris#1', 'trian'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "train"?') as string,
  });
});

test('logs -f shows what comes, and ends with the run', async () => {
  const workspace = new Workspace();
  const train = stepName('train');
  await storeRuns(workspace, async (runs) => {
    await runs.create(ID.old);
    await runs.commit(ID.old, [runStart([['train']]), { type: 'step.start', step: train, attempt: 1 }]);
    const following = workspace.start(['logs', 'latest', '-f']);
    await runs.commit(ID.old, [
      { type: 'step.log', step: train, attempt: 1, stream: 'stdout', text: 'one\n' },
    ]);
    await following.printed(/train │ one/);
    await runs.commit(ID.old, [
      { type: 'step.log', step: train, attempt: 1, stream: 'stdout', text: 'two\n' },
    ]);
    await following.printed(/train │ two/);
    expect(following.child.exitCode).toBeNull();
    await runs.commit(ID.old, [
      {
        type: 'step.end',
        step: train,
        status: 'completed',
        attempt: 1,
        durationMs: 1,
        artifacts: [],
        why: [],
      },
      { type: 'run.end', status: 'completed', durationMs: 2 },
    ]);
    expect(await following.ended).toMatchObject({ code: 0, stdout: 'train │ one\ntrain │ two\n' });
  });
});

test('a run whose process is gone is lost, and stop says so', async () => {
  const workspace = new Workspace();
  await storeRuns(workspace, async (runs) => {
    await runs.create(ID.lost, { owner: 'gone' });
    await runs.commit(ID.lost, [runStart([['train']])]);
  });
  expect(await workspace.json('runs')).toMatchObject([{ status: 'lost' }]);
  expect(await workspace.json('runs', '--status', 'lost')).toHaveLength(1);
  expect(await workspace.json('runs', '--status', 'running')).toEqual([]);
  expect(await workspace.json('show', 'latest')).toMatchObject({ status: 'lost' });
  expect((await workspace.run(['stop', 'latest'])).stdout).toContain('has no process any more');
});

test('stop asks the running process and waits for its end', async () => {
  const workspace = new Workspace();
  await storeRuns(workspace, async (runs) => {
    await runs.create(ID.old);
    await runs.commit(ID.old, [runStart([['train']])]);
    const stopping = workspace.start(['stop', 'latest', '--reason', 'enough', '--json']);
    await expect
      .poll(async () => (await runs.store.findRuns({}))[0]?.stopRequested, { timeout: 20_000 })
      .toBe('enough');
    await runs.commit(ID.old, [{ type: 'run.end', status: 'aborted', durationMs: 2 }]);
    const { stdout, code } = await stopping.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ id: ID.old, stopped: true, status: 'aborted' });
  });
});

test('why names the change, and diff what differs between two runs', async () => {
  const workspace = await twoRuns();
  const why = await workspace.run(['why', 'latest', 'train']);
  expect(why.stdout).toContain('parameter lr 0.01 -> 0.001');
  expect(await workspace.json('why', 'latest', 'train')).toMatchObject({
    step: 'train',
    why: ['parameter lr 0.01 -> 0.001'],
  });
  expect(await workspace.run(['why', 'latest', 'tran'])).toMatchObject({ code: 2 });
  expect(await workspace.json('diff', 'iris#1', 'iris#2')).toMatchObject({
    parameters: [{ name: 'lr', left: 0.01, right: 0.001 }],
    steps: [
      {
        name: 'train',
        left: { status: 'completed' },
        right: { status: 'failed' },
        changes: [expect.stringContaining('lr') as string],
      },
      { name: 'publish', left: null, right: { status: 'skipped' } },
    ],
    same: 1,
  });
  expect((await workspace.run(['diff', 'iris#1', 'iris#1'])).stdout).toContain('no difference');
});

test('a reader that goes away is no failure', async () => {
  const workspace = await twoRuns();
  const running = workspace.start(['show', 'latest']);
  running.child.stdout!.destroy();
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
});

test('a store of a newer version is one message and exit code 4', async () => {
  const workspace = await twoRuns();
  const { default: Database } = (await import('libsql')) as unknown as {
    default: new (file: string) => { pragma(text: string): unknown; close(): void };
  };
  const database = new Database(workspace.path('.run-pipeline/state.db'));
  database.pragma('user_version = 999');
  database.close();
  const { code, stderr } = await workspace.run(['runs']);
  expect(code).toBe(4);
  expect(stderr).toMatch(/newer/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(await workspace.run(['doctor'])).toMatchObject({ code: 4 });
});

test('doctor finds everything in order', async () => {
  const workspace = await twoRuns();
  const { stdout, code } = await workspace.run(['doctor']);
  expect(stdout).toMatch(/✔ node/);
  expect(stdout).toMatch(/✔ esbuild/);
  expect(stdout).toMatch(/✔ store .*2 runs/);
  expect(code).toBe(0);
});
