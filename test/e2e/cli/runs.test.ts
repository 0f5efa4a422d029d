import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Workspace } from './rig.js';

const WEATHER = `
import { Parameter, Pipeline, Step } from 'run-pipeline';

@Pipeline({ name: 'weather', project: 'examples', cache: true })
export class Weather {
  @Parameter() factor = 2;

  @Step({ returns: ['rows'] })
  load(): number[] {
    console.log('loading');
    return [1, 2, 3];
  }

  @Step({ inputs: ['$<load.rows>'], returns: ['sum'] })
  sum(rows: number[]): number {
    return rows.reduce((total, row) => total + row, 0) * this.factor;
  }
}
`;

const FAILING = `
import { Pipeline, Step } from 'run-pipeline';

@Pipeline({ name: 'failing', project: 'examples', cache: true, retry: 1 })
export class Failing {
  @Step({ returns: ['rows'] })
  load(): { value: number }[] {
    return [];
  }

  @Step({ inputs: ['$<load.rows>', 0.5], returns: ['model'] })
  train(rows: { value: number }[], rate: number): number {
    for (let line = 1; line <= 30; line++) console.log('line ' + line);
    const first = rows[0]!;
    return first.value * rate;
  }

  @Step({ inputs: ['$<train.model>'], returns: [] })
  publish(_model: number): void {}
}
`;

/** A step that runs until it is told to stop, and says when it has begun. */
const SLOW = `
import { writeFileSync } from 'node:fs';
import { Pipeline, Step, currentTask } from 'run-pipeline';

@Pipeline({ name: 'slow', project: 'examples' })
export class Slow {
  @Step({ returns: ['done'] })
  first(): string {
    return 'done';
  }

  @Step({ inputs: ['$<first.done>'] })
  async wait(_: string): Promise<string> {
    const { signal } = currentTask()!;
    console.log('waiting');
    await new Promise<void>((done) => {
      const timer = setTimeout(done, 60_000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        done();
      });
    });
    writeFileSync('told.txt', 'told');
    signal.throwIfAborted();
    return 'waited';
  }
}
`;

interface Event {
  readonly type: string;
  readonly seq: number;
  readonly run: string;
  readonly step?: string;
  readonly status?: string;
}
const eventsOf = (stdout: string): Event[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

test('plan says before what a run then does, and why; the same again executes nothing and says so', async () => {
  const workspace = new Workspace({ 'pipe.ts': WEATHER });
  expect(await workspace.json('plan', 'pipe.ts')).toMatchObject({
    steps: [
      { name: 'load', action: 'run' },
      { name: 'sum', action: 'depends' },
    ],
  });
  const first = await workspace.run(['pipe.ts']);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(/▶ weather #1 \(examples\) 2 steps · run \w+/);
  expect(first.stdout).toContain('load │ loading');
  expect(first.stdout).toMatch(/✔ weather #1 completed in .* · 2 steps: 2 completed/);
  expect(first.stdout).toMatch(/ {2}sum\.sum +superjson/);
  expect((await workspace.ask('plan', 'pipe.ts')).stdout).toContain(
    'nothing would be executed: all 2 steps are cached',
  );
  const changed = await workspace.json<{ steps: { reasons: string[] }[] }>(
    'plan',
    'pipe.ts',
    '--param',
    'factor=3',
  );
  expect(changed.steps[0]).toMatchObject({ name: 'load', action: 'cached' });
  expect(changed.steps[1]).toMatchObject({ name: 'sum', action: 'run' });
  expect(changed.steps[1]!.reasons.join()).toMatch(/factor.*2.*3/);
  expect(await workspace.json('runs')).toHaveLength(1);
  const second = await workspace.run(['pipe.ts']);
  expect(second.code).toBe(0);
  expect(second.stdout).toMatch(
    /weather #2 completed in .* · nothing to execute: all 2 steps cached \(from run /,
  );
  expect(second.stdout).not.toContain('loading');
  expect(await workspace.json('get', 'latest', 'sum.sum')).toBe(12);
  expect((await workspace.run(['get', 'weather#1', 'load.rows'])).stdout).toBe('[\n  1,\n  2,\n  3\n]\n');
  expect(await workspace.run(['pipe.ts', '--output', 'quiet'])).toEqual({
    code: 0,
    signal: null,
    stdout: '',
    stderr: '',
  });
});

test('with --json stdout holds events alone, whatever the code prints', async () => {
  const workspace = new Workspace({ 'pipe.ts': `console.log('top level');\n${WEATHER}` });
  const { stdout, stderr, code } = await workspace.run(['pipe.ts', '--json']);
  expect(code).toBe(0);
  const events = eventsOf(stdout);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  expect(events[0]).toMatchObject({
    v: 1,
    type: 'run.start',
    pipeline: 'weather',
    project: 'examples',
    number: 1,
    parameters: { factor: 2 },
    steps: [
      { name: 'load', parents: [] },
      { name: 'sum', parents: ['load'] },
    ],
  });
  expect(events.filter(({ type }) => type === 'step.end').map(({ step }) => step)).toEqual(['load', 'sum']);
  expect(events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  expect(stderr).toContain('top level');
  expect(stderr).toContain('weather #1 completed');
});

test('a reader that goes away does not end the run', async () => {
  const workspace = new Workspace({ 'pipe.ts': WEATHER });
  const running = workspace.start(['pipe.ts', '--json']);
  await running.printed(/run\.start/);
  running.child.stdout!.destroy();
  expect((await running.ended).code).toBe(0);
  expect(await workspace.json('show', 'latest')).toMatchObject({ status: 'completed' });
});

test('a failure shows the code, the inputs, the attempts, the output, what was skipped and the way on, also when it is to be quiet', async () => {
  const workspace = new Workspace({ 'pipe.ts': FAILING });
  const { stdout, code } = await workspace.run(['pipe.ts']);
  expect(code).toBe(1);
  expect(stdout).toContain(
    `✖ train failed: TypeError: Cannot read properties of undefined (reading 'value')\npipe.ts:15:18\n`,
  );
  expect(stdout).toContain('> 15 │     return first.value * rate;');
  expect(stdout).toContain('attempt 2/2');
  expect(stdout).toContain('the last 20 lines of its output:\n│ line 11\n');
  expect(stdout).toContain('skipped because of it: publish');
  expect(stdout).toMatch(/next: run-pipeline resume \w+/);
  expect(stdout).not.toMatch(/node_modules|worker\.js/);
  const quiet = await workspace.run(['pipe.ts', '--output', 'quiet']);
  expect(quiet.code).toBe(1);
  expect(quiet.stdout).toContain('✖ train failed: TypeError');
});

test('wrong parameters, flags and files are refused before anything runs', async () => {
  const workspace = new Workspace({
    'pipe.ts': WEATHER,
    'broken.ts': 'export const x: = 1;\n',
    'empty.ts': 'export const x = 1;\n',
    'two.ts': `${WEATHER}${FAILING.replace("import { Pipeline, Step } from 'run-pipeline';", '')}`,
  });
  const cases = [
    [['pipe.ts', '--param', 'factr=1'], 2, /factr[\s\S]*factor/],
    [['pipe.ts', '--param', 'factor=many'], 2, /factor[\s\S]*number/],
    [['pipe.ts', '--param', 'factor'], 2, /NAME=VALUE/],
    [['pipe.ts', '--param', 'factor=1', '-p', 'factor=2'], 2, /given twice/],
    [['pipe.ts', '--concurrency', '0'], 2, /at least 1/],
    [['pipe.ts', '--refresh', '--no-cache'], 2, /exclude each other/],
    [['pipe.ts', '--refresh=lod'], 2, /lod[\s\S]*load/],
    [['pipe.ts', '--queue', 'gpu', '--local'], 2, /exclude each other/],
    [['pipe.ts', '--queue', ' '], 2, /name of a queue/],
    [['missing.ts'], 3, /missing\.ts does not exist/],
    [['broken.ts'], 3, /broken\.ts:1:17/],
    [['empty.ts'], 2, /no pipeline/],
    [['two.ts'], 2, /#Weather[\s\S]*#Failing/],
    [['two.ts#Wether'], 2, /Wether[\s\S]*Weather/],
  ] as const;
  for (const [args, code, message] of cases) {
    const ended = await workspace.ask(...args);
    expect({ args, code: ended.code, stdout: ended.stdout }).toEqual({ args, code, stdout: '' });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/^\s+at .*(dist|node:)/m);
  }
  const alone = await workspace.run(['pipe.ts', '--param', 'factr=1']);
  expect(alone).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/factr/) as string });
  expect(await workspace.json('runs')).toEqual([]);
  expect((await workspace.run(['two.ts#Weather'])).code).toBe(0);
});

test('a file that starts itself runs once, with the flags, and its own lines after it', async () => {
  const workspace = new Workspace({
    'self.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'self', project: 'examples' });
pipe.addParameter({ name: 'n', default: 1 });
pipe.addFunctionStep({ name: 'double', function: (n: number) => n * 2, functionKwargs: { n: '$<pipeline.n>' }, functionReturn: ['result'] });
const run = await pipe.start();
console.log('result', await run.get('double.result'), run.status);
`,
  });
  const { stdout, code } = await workspace.run(['self.ts', '--param', 'n=21']);
  expect(code).toBe(0);
  expect(stdout).toContain('result 42 completed');
  expect(await workspace.json('runs')).toHaveLength(1);
  expect(await workspace.json('graph', 'self.ts')).toEqual({ nodes: [{ name: 'double', parents: [] }] });
  expect(await workspace.json('runs')).toHaveLength(1);
});

async function expectGraceful(workspace: Workspace): Promise<void> {
  expect(readFileSync(workspace.path('told.txt'), 'utf8')).toBe('told');
  expect(await workspace.json('show', 'latest')).toMatchObject({
    status: 'aborted',
    steps: [{ status: 'completed' }, { name: 'wait', status: 'aborted' }],
  });
}

test('SIGTERM stops gracefully: the step is told, the run is aborted, exit code 143', async () => {
  const workspace = new Workspace({ 'pipe.ts': SLOW });
  const running = workspace.start(['pipe.ts']);
  await running.printed(/wait │ waiting/);
  running.child.kill('SIGTERM');
  const { code, stdout } = await running.ended;
  expect(code).toBe(143);
  expect(stdout).toContain('stopping');
  await expectGraceful(workspace);
});

test('a second Ctrl-C ends the run at once, with a step that does not listen, and its process', async () => {
  const workspace = new Workspace({
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'deaf', project: 'examples' })
export class Deaf {
  @Step() async wait(): Promise<void> {
    console.log('pid ' + process.pid + ' waiting');
    await new Promise((done) => setTimeout(done, 600_000));
  }
}
`,
  });
  const running = workspace.start(['pipe.ts'], { env: { RUN_PIPELINE_GRACE_MS: '60000' } });
  await running.printed(/pid \d+ waiting/);
  const pid = Number(/pid (\d+) waiting/.exec(running.stdout)![1]);
  running.child.kill('SIGINT');
  await running.printed(/stopping/);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
  await expect.poll(() => isThere(pid), { timeout: 20_000 }).toBe(false);
  expect(await workspace.json('show', 'latest')).toMatchObject({ status: 'lost' });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const BODY = `
import { pipeline, step } from 'run-pipeline';
const one = step({ name: 'one' }, () => 1);
export const body = pipeline({ name: 'body', project: 'examples' }, async () => {
  console.log('from the body');
  const value = await one();
  if (value === 1) setTimeout(() => { throw new RangeError('nobody hears me'); });
  await new Promise((done) => setTimeout(done, FOREVER));
});
`;

test('what a pipeline function prints stands on stderr with --json', async () => {
  const workspace = new Workspace({
    'pipe.ts': BODY.replace('value === 1', 'value === 2').replace('FOREVER', '1'),
  });
  const { stdout, stderr } = await workspace.run(['pipe.ts', '--json']);
  expect(eventsOf(stdout).at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
  expect(stderr).toContain('from the body\n');
});

test('what it prints stands beside the run else; an error that nobody awaits stops it, says so and is no hang', async () => {
  const workspace = new Workspace({ 'pipe.ts': BODY.replace('FOREVER', '600_000') });
  const { code, stdout, stderr } = await workspace.run(['pipe.ts'], {
    env: { RUN_PIPELINE_GRACE_MS: '200' },
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^from the body$/m);
  expect(stdout + stderr).toContain('RangeError: nobody hears me');
  expect(await workspace.json('show', 'latest')).not.toMatchObject({ status: 'completed' });
});

test('stop from another process aborts the run', async () => {
  const workspace = new Workspace({ 'pipe.ts': SLOW });
  const running = workspace.start(['pipe.ts']);
  await running.printed(/wait │ waiting/);
  expect(await workspace.json('stop', 'latest')).toMatchObject({ stopped: true, status: 'aborted' });
  expect((await running.ended).code).toBe(1);
  expect(existsSync(workspace.path('told.txt'))).toBe(true);
});

test('a killed run is lost, resumes, does not execute again what was completed, and stops gracefully at SIGINT', async () => {
  const workspace = new Workspace({ 'pipe.ts': SLOW });
  const running = workspace.start(['pipe.ts']);
  await running.printed(/wait │ waiting/);
  running.child.kill('SIGKILL');
  await running.ended;
  expect(await workspace.json('runs')).toMatchObject([{ status: 'lost' }]);
  const resumed = workspace.start(['resume', 'latest', '--json']);
  await resumed.printed(/waiting/);
  resumed.child.kill('SIGINT');
  const { code, stdout, stderr } = await resumed.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('stopping');
  await expectGraceful(workspace);
  const events = eventsOf(stdout);
  expect(events[0]).toMatchObject({ type: 'run.resume' });
  expect(events.filter(({ type }) => type === 'step.start').map(({ step }) => step)).toEqual(['wait']);
});

test('rerun takes the current file and the parameters of the run; gc frees old runs and keeps the newest', async () => {
  const workspace = new Workspace({ 'pipe.ts': WEATHER });
  await workspace.run(['pipe.ts', '--param', 'factor=5']);
  workspace.write('pipe.ts', WEATHER.replace('[1, 2, 3]', '[1, 2, 4]'));
  expect((await workspace.run(['rerun', 'latest'])).code).toBe(0);
  expect(await workspace.json('show', 'latest')).toMatchObject({ parameters: { factor: 5 }, number: 2 });
  expect(await workspace.json('get', 'latest', 'sum.sum')).toBe(35);
  expect((await workspace.ask('rerun', 'latest', '--param', 'factor=1')).code).toBe(0);
  expect(await workspace.json('get', 'latest', 'sum.sum')).toBe(7);

  const collect = ['gc', '--keep-runs', '1', '--max-age', '0s'] as const;
  expect((await workspace.ask(...collect, '--dry-run')).stdout).toMatch(/would free 2 runs/);
  expect(await workspace.json('runs')).toHaveLength(3);
  const { stdout } = await workspace.run(collect);
  expect(stdout).not.toContain('(0 B)');
  expect(await workspace.json('runs')).toMatchObject([{ number: 3 }]);
});

test('--watch runs again when a file that the pipeline reads, a file parameter or a file() input is saved', async () => {
  const workspace = new Workspace({
    'helper.ts': "export const base = 'a';\n",
    'rows.txt': 'one',
    'prices.txt': '1',
    'pipe.ts': `
import { readFileSync } from 'node:fs';
import { Parameter, Pipeline, Step, file, type FileValue } from 'run-pipeline';
import { base } from './helper.js';
@Pipeline({ name: 'reads' })
export class Reads {
  @Parameter({ type: 'file' }) rows = 'nothing.txt';
  @Step({ inputs: ['$<pipeline.rows>', file('prices.txt')] })
  load(rows: FileValue, prices: FileValue) {
    return base + readFileSync(rows.path, 'utf8') + readFileSync(prices.path, 'utf8');
  }
}
`,
  });
  const running = workspace.start(['pipe.ts', '--watch', '--param', 'rows=rows.txt']);
  await running.printed(/reads #1 completed[\s\S]*watching/);
  workspace.write('helper.ts', "export const base = 'b';\n");
  await running.printed(/helper\.ts changed[\s\S]*reads #2 completed[\s\S]*watching/);
  workspace.write('rows.txt', 'two');
  await running.printed(/rows\.txt changed[\s\S]*reads #3 completed[\s\S]*watching/);
  workspace.write('prices.txt', '2');
  await running.printed(/prices\.txt changed[\s\S]*reads #4 completed[\s\S]*watching/);
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
  expect(await workspace.json('get', 'latest', 'load')).toBe('btwo2');
});

test('what no line of the code threw is told at the step, and plan counts as the run does', async () => {
  const workspace = new Workspace({
    'pipe.ts': `
import { Pipeline, Step, each } from 'run-pipeline';
@Pipeline({ name: 'own', cache: true })
export class Own {
  @Step({ inputs: [each([1, 2])] }) twice(n: number) { return n * 2; }
  @Step() code() { return () => 1; }
  @Step({ timeout: '100ms' }) async slow() { await new Promise((done) => setTimeout(done, 60_000)); }
}
`,
  });
  const { stdout, code } = await workspace.run(['pipe.ts']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^✖ code failed: code\.result is a function\n.*\npipe\.ts:6:\d+$/m);
  expect(stdout).toMatch(/^✖ slow aborted: the step ran longer than its timeout[^\n]*\npipe\.ts:7:\d+$/m);
  expect((await workspace.ask('plan', 'pipe.ts')).stdout).toMatch(/\n2 would run, 2 cached\n/);
});

test('show puts the elements of a mapped step after it, and counts what the run counted', async () => {
  const workspace = new Workspace({
    'pipe.ts': `
import { Pipeline, Step, each } from 'run-pipeline';
@Pipeline({ name: 'mapped' })
export class Mapped {
  @Step({ inputs: [each(['x', 'y'])] }) score(word: string) { return word.length; }
  @Step({ inputs: ['$<score.result>'] }) total(all: number[]) { return all.length; }
}
`,
  });
  expect((await workspace.run(['pipe.ts'])).stdout).toContain('3 steps: 3 completed');
  const { stdout } = await workspace.ask('show', 'latest');
  expect(stdout).toContain('\n3 steps\n');
  expect(stdout.match(/completed {2}\S+/g)?.map((cell) => cell.split(/ +/)[1])).toEqual([
    'score',
    'score[0]',
    'score[1]',
    'total',
  ]);
  const why = await workspace.json<{ why: string[] }>('why', 'latest', 'score');
  expect(why.why.map((reason) => reason.split(':')[0])).toEqual(['score[0]', 'score[1]']);
});

test.each(['class', 'controller', 'function'])(
  'init writes a %s pipeline that runs as it is, and never overwrites',
  async (style) => {
    const workspace = new Workspace();
    expect((await workspace.ask('init', '--style', style)).code).toBe(0);
    const { code, stdout } = await workspace.run(['pipeline.ts']);
    expect(code).toBe(0);
    expect(stdout).toContain('kept 3 of 4 readings');
    expect((await workspace.ask('pipeline.ts')).stdout).toContain('nothing to execute: all 3 steps cached');
    expect((await workspace.ask('check', 'pipeline.ts')).code).toBe(0);
    expect(await workspace.ask('init')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already') as string,
    });
  },
);

test('check reports what the compiler says of the types, with the project’s own one', async () => {
  const workspace = new Workspace({
    'pipe.ts': WEATHER,
    'wrong.ts': WEATHER.replace('sum(rows: number[])', 'sum(rows: string[])').replace(
      'total + row',
      'total + row.length',
    ),
  });
  expect((await workspace.ask('check', 'wrong.ts')).stdout).toContain('types were not checked');
  workspace.link('typescript');
  expect(await workspace.json('check', 'pipe.ts')).toEqual({ ok: true, diagnostics: [] });
  const { stdout, code } = await workspace.run(['check', 'wrong.ts']);
  expect(code).toBe(2);
  expect(stdout).toMatch(/`load\.rows` gives/);
  expect(stdout).toMatch(/^wrong\.ts:\d+:\d+$/m);
});

test('check reports a mistake with its place, once, not again in the words of the compiler', async () => {
  const workspace = new Workspace({ 'pipe.ts': WEATHER.replace('$<load.rows>', '$<laod.rows>') });
  workspace.link('typescript');
  const { stdout, code } = await workspace.run(['check', 'pipe.ts', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    diagnostics: [
      {
        severity: 'error',
        at: expect.stringMatching(/^pipe\.ts:\d+:\d+$/) as string,
        message: expect.stringContaining('there is no step `laod`') as string,
      },
    ],
  });
});
