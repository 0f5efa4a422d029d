import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactRecord, StepEnd } from '@run-pipeline/core/model';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { AgentProcess, emptyDirectory } from '../../rig/agents.js';
import { query, runPipeline, watchRun } from '../../rig/command.js';
import { PageServer } from '../../rig/page-server.js';
import { startS3, type TestS3 } from '../../rig/s3-server.js';
import { scratch, type Scratch } from '../../rig/scratch.js';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const MIB = 1024 * 1024;
/** `numbers`: how many of them one of its artifacts has. */
const pipelineOf = (numbers: number): string => `
import { readFileSync, writeFileSync } from 'node:fs';
import { Pipeline, Step, Parameter, file, currentTask, type FileValue } from 'run-pipeline';
@Pipeline({ name: 'large', project: 'examples', cache: true })
export class Large {
  @Parameter({ type: 'file' }) source = 'source.txt';
  @Step({ inputs: ['$<pipeline.source>'], returns: ['numbers', 'text', 'copy'] })
  make(source: FileValue): { numbers: Float64Array; text: string; copy: unknown } {
    writeFileSync('copy.txt', readFileSync(source.path, 'utf8').toUpperCase());
    currentTask().logger.reportTable({ title: 'rows', series: 'all', table: Array.from({ length: 3_000 }, (_, row) => ({ row, half: row / 2 })) });
    return {
      numbers: Float64Array.from({ length: ${numbers} }, (_, at) => at),
      text: 'large text '.repeat(9_000),
      copy: file('copy.txt'),
    };
  }
  @Step({ inputs: ['$<make.numbers>', '$<make.text>', '$<make.copy>'] })
  use(numbers: Float64Array, text: string, copy: FileValue): string {
    return [numbers.at(-1), text.length, readFileSync(copy.path, 'utf8').length].join(' ');
  }
}
`;
const SOURCE = 'the source\n'.repeat(5_000);
const answerOf = (numbers: number): string =>
  `${numbers - 1} ${9_000 * 'large text '.length} ${SOURCE.length}`;
/** Sent in parts, 24 MiB. */
const MANY = 3 * MIB;
/** Large enough for the bucket. */
const SOME = 10_000;
const PIPELINE = pipelineOf(SOME);
const ANSWER = answerOf(SOME);

/** Machines that share the store (a file here) and a bucket, and nothing else. */
interface Machines {
  readonly files: Scratch;
  readonly prefix: string;
  /** What a machine of this name has in its environment. */
  env(machine: string): Record<string, string>;
  home(machine: string): string;
  /** Hashes of what is in the bucket below `blobs/` or `packages/`. */
  objects(folder: 'blobs' | 'packages'): readonly string[];
  object(key: string): string;
}

function machines(
  files: Readonly<Record<string, string>> = { 'pipe.ts': PIPELINE, 'source.txt': SOURCE },
): Machines {
  const project = scratch(files);
  const prefix = project.directory.split('/').at(-1)!;
  const home = (machine: string): string => project.path('machines', machine);
  return {
    files: project,
    prefix,
    home,
    env: (machine) => ({
      ...s3.env(prefix),
      RUN_PIPELINE_HOME: home(machine),
      RUN_PIPELINE_STORE: project.path('state.db'),
    }),
    object: (key) => s3.file(`${prefix}/${key}`),
    objects(folder) {
      const top = join(s3.file(`${prefix}/${folder}/x`), '..');
      if (!existsSync(top)) return [];
      return readdirSync(top, { recursive: true })
        .map(String)
        .flatMap((name) => /([0-9a-f]{64})\._S3rver_object$/.exec(name)?.[1] ?? []);
    },
  };
}

const keyOf = ({ hash }: Pick<ArtifactRecord, 'hash'>): string =>
  `blobs/${hash.slice(7, 9)}/${hash.slice(7)}`;
const artifact = (end: StepEnd | undefined, name: string): ArtifactRecord =>
  end!.artifacts.find((each) => each.name === name)!;
const cached = (it: Machines, machine: string): string => join(it.home(machine), 'cache/blobs');
const age = (path: string, ms: number): void => {
  const at = new Date(Date.now() - ms);
  utimesSync(path, at, at);
};
const DAY = 24 * 60 * 60_000;

test('large artifacts are in the bucket when a run has ended; the copies of the machine may be deleted', async () => {
  const it = machines({ 'pipe.ts': pipelineOf(MANY), 'source.txt': SOURCE });
  const at = { cwd: it.files.directory, env: it.env('a') };
  const first = await watchRun(['pipe.ts'], at);
  expect(first).toMatchObject({ code: 0, by: { completed: ['make', 'use'] } });
  const numbers = artifact(first.ends['make'], 'numbers');
  expect(numbers.size).toBeGreaterThan(20 * MIB);
  expect(statSync(it.object(keyOf(numbers))).size).toBe(numbers.size);
  expect(await query(['get', 'latest', 'use'], at)).toBe(answerOf(MANY));

  const again = await watchRun(['pipe.ts'], at);
  expect(again).toMatchObject({ code: 0, by: { cached: ['make', 'use'] } });
  rmSync(cached(it, 'a'), { recursive: true });
  const cold = await watchRun(['pipe.ts', '--refresh=use'], at);
  expect(cold).toMatchObject({ code: 0, by: { cached: ['make'], completed: ['use'] } });
  expect(await query(['get', 'latest', 'use'], at)).toBe(answerOf(MANY));
  expect(((await query(['get', 'latest', 'make.text'], at)) as string).length).toBe(99_000);
});

test('a copy that is damaged is brought again; an object that is missing or damaged is a miss with a reason', async () => {
  const it = machines();
  const at = { cwd: it.files.directory, env: it.env('a') };
  const first = await watchRun(['pipe.ts'], at);
  const text = artifact(first.ends['make'], 'text');
  writeFileSync(join(cached(it, 'a'), text.hash.slice(7, 9), text.hash.slice(7)), 'damaged');
  const healed = await watchRun(['pipe.ts', '--refresh=use'], at);
  expect(healed).toMatchObject({ code: 0, by: { cached: ['make'], completed: ['use'] } });

  rmSync(it.object(keyOf(text)));
  const missing = await watchRun(['pipe.ts'], at);
  expect(missing).toMatchObject({ code: 0, by: { completed: ['make'], cached: ['use'] } });
  expect(missing.ends['make']?.why).toEqual(['its cached artifact text is missing']);

  writeFileSync(it.object(keyOf(text)), Buffer.alloc(text.size, 'x'));
  age(it.object(keyOf(text)), -DAY);
  rmSync(cached(it, 'a'), { recursive: true });
  const damaged = await watchRun(['pipe.ts'], at);
  expect(damaged).toMatchObject({ code: 0, by: { completed: ['make'], cached: ['use'] } });
  expect(damaged.ends['make']?.why).toEqual(['its cached artifact text is damaged']);
  expect(statSync(it.object(keyOf(text))).size).toBe(text.size);
  rmSync(cached(it, 'a'), { recursive: true });
  expect(((await query(['get', 'latest', 'make.text'], at)) as string).length).toBe(99_000);
});

test('an agent with a home of its own gets packages and inputs from the bucket, and leaves its results there, for a page and a run elsewhere', async () => {
  const it = machines();
  const agent = new AgentProcess(['--queue', 'default'], { cwd: emptyDirectory(), env: it.env('b') });
  onTestFinished(() => agent.remove());
  await agent.told('agent.start');
  const at = { cwd: it.files.directory, env: it.env('a') };
  const run = await watchRun(['pipe.ts', '--queue', 'default'], at);
  expect(run).toMatchObject({ code: 0, by: { completed: ['make', 'use'] } });
  expect(run.events.flatMap((event) => (event.type === 'step.start' ? [event.agent] : []))).toEqual(
    Array(2).fill(expect.stringContaining(`:${agent.pid}-`)),
  );
  expect(run.events.find((event) => event.type === 'step.report')).toMatchObject({ step: 'make' });
  expect(await query(['get', 'latest', 'use'], at)).toBe(ANSWER);
  // Other machines that have nothing yet, and look on.
  const page = await PageServer.start({ cwd: it.files.directory, env: it.env('d') });
  const text = artifact(run.ends['make'], 'text');
  const shown = await page.ask('GET', `/api/artifacts/${text.hash}`, { headers: { range: 'bytes=0-99' } });
  expect([shown.status, shown.bytes.length]).toEqual([206, 100]);
  const code = await page.get<object>(`/api/runs/${run.events[0]!.run}/steps/make/code`);
  expect(JSON.stringify(code)).toContain('large text');
  const other = { cwd: it.files.directory, env: it.env('c') };
  expect(((await query(['get', 'latest', 'make.text'], other)) as string).length).toBe(99_000);
  expect(await watchRun(['pipe.ts'], other)).toMatchObject({ code: 0, by: { cached: ['make', 'use'] } });
});

const SCRIPT = {
  'train.ts': `
import { readFileSync } from 'node:fs';
import { currentTask, Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'train', assets: ['./words.txt'] });
const words = readFileSync(currentTask().assetPath('./words.txt'), 'utf8');
await task.uploadArtifact('words', words.toUpperCase());
`,
  'words.txt': 'word '.repeat(20_000),
  'read.ts': `
import { Pipeline, Step, Task } from 'run-pipeline';
@Pipeline({ name: 'read', project: 'examples' })
export class Read {
  @Step()
  async read(): Promise<string> {
    const task = await Task.get<{ words: string }>({ project: 'examples', name: 'train' });
    return (await task.artifacts.words.get()).slice(0, 9);
  }
}
`,
};

test('a script that was run by hand here is executed there, with its assets; a step elsewhere reads what it uploaded', async () => {
  const it = machines(SCRIPT);
  const at = { cwd: it.files.directory, env: it.env('a') };
  const byHand = await runPipeline(
    ['task', 'create', 'train.ts', '--project', 'examples', '--name', 'train', '--asset', './words.txt'],
    at,
  );
  expect(byHand).toMatchObject({ code: 0 });
  expect(it.objects('packages')).toHaveLength(1);
  const [draft] = await query<{ id: string }[]>(['task', 'ls'], at);
  expect(await runPipeline(['task', 'enqueue', draft!.id, '--queue', 'default'], at)).toMatchObject({
    code: 0,
  });
  const agent = await runPipeline(['agent', '--queue', 'default', '--once'], {
    cwd: emptyDirectory(),
    env: it.env('b'),
  });
  expect(agent).toMatchObject({ code: 0 });
  expect(await query(['task', 'show', draft!.id], at)).toMatchObject({ status: 'completed' });
  const run = await watchRun(['read.ts'], { cwd: it.files.directory, env: it.env('c') });
  expect(run.ends['read']).toMatchObject({ status: 'completed', artifacts: [{ preview: '"WORD WORD"' }] });
});

test('a run that was killed is resumed by another machine, from its packages', async () => {
  const it = machines();
  const killed = await runPipeline(['pipe.ts'], {
    cwd: it.files.directory,
    env: { ...it.env('a'), RUN_PIPELINE_CRASH_AT: 'after-end:1' },
  });
  expect(killed.signal).toBe('SIGKILL');
  rmSync(it.files.path('pipe.ts'));
  const resumed = await watchRun(['resume', 'latest'], { cwd: it.files.directory, env: it.env('b') });
  expect(resumed).toMatchObject({ code: 0, by: { completed: ['use'] } });
});

const FILM = {
  'film.ts': `
import { writeFileSync } from 'node:fs';
import { Pipeline, Step, file } from 'run-pipeline';
@Pipeline({ name: 'film', project: 'examples' })
export class Film {
  @Step({ returns: ['film'] })
  film(): unknown {
    const bytes = Buffer.alloc(66 * 1024 * 1024, 'sound');
    bytes.write('RIFF\\x24\\0\\0\\0WAVEfmt ', 'latin1');
    writeFileSync('film.wav', bytes);
    return file('film.wav');
  }
}
`,
};

test('of a long film the page reads what is played, and a download is verified', async () => {
  const it = machines(FILM);
  const run = await watchRun(['film.ts'], { cwd: it.files.directory, env: it.env('a') });
  const { hash, size } = artifact(run.ends['film'], 'film');
  const page = await PageServer.start({ cwd: it.files.directory, env: it.env('b') });
  const path = `/api/artifacts/${hash}?inline=1`;
  const copy = join(cached(it, 'b'), hash.slice(7, 9), hash.slice(7));
  const played = await page.ask('GET', path, { headers: { range: 'bytes=1000000-9000000' } });
  expect([played.status, played.headers['content-type'], played.bytes.length]).toEqual([
    206,
    'audio/wav',
    8_000_001,
  ]);
  expect(played.headers['content-range']).toBe(`bytes 1000000-9000000/${size}`);
  const last = await page.ask('GET', path, { headers: { range: 'bytes=-3' } });
  expect(last.text).toBe(
    Buffer.alloc(66 * MIB, 'sound')
      .subarray(-3)
      .toString(),
  );
  expect(existsSync(copy)).toBe(false);
  expect(await page.ask('GET', `/api/artifacts/${hash}`, { headers: { range: 'bytes=0-3' } })).toMatchObject({
    status: 206,
    text: 'RIFF',
  });
  expect(existsSync(copy)).toBe(true);
});

test('gc frees what nothing names in the bucket, by the dates of the server', async () => {
  const it = machines();
  const at = { cwd: it.files.directory, env: it.env('a') };
  const first = await watchRun(['pipe.ts'], at);
  it.files.write({ 'pipe.ts': PIPELINE.replaceAll('large text ', 'other text ') });
  await watchRun(['pipe.ts'], at);
  const [old] = [artifact(first.ends['make'], 'text')];
  const young = await query<{ blobs: number }>(
    ['gc', '--keep-runs', '1', '--max-age', '0s', '--dry-run'],
    at,
  );
  expect(young.blobs).toBe(0);
  for (const hash of it.objects('blobs'))
    age(it.object(`blobs/${hash.slice(0, 2)}/${hash}`), 2 * 60 * 60_000);
  const packages = it.objects('packages');
  for (const hash of packages) age(it.object(`packages/${hash}`), 3 * DAY);
  const freed = await query<{ blobs: number; packages: number }>(
    ['gc', '--keep-runs', '1', '--max-age', '0s'],
    at,
  );
  expect(freed.blobs).toBeGreaterThan(0);
  expect(existsSync(it.object(keyOf(old)))).toBe(false);
  expect(packages.length - it.objects('packages').length).toBe(1);
  // What is left is enough for the run that was kept, also for a machine that has nothing.
  const other = { cwd: it.files.directory, env: it.env('b') };
  expect(await query(['get', 'latest', 'use'], other)).toBe(ANSWER);
  expect(((await query(['get', 'latest', 'make.text'], other)) as string).length).toBe(99_000);
});

test('gc frees nothing where another store keeps its artifacts, too', async () => {
  const it = machines();
  const at = { cwd: it.files.directory, env: it.env('a') };
  const run = await watchRun(['pipe.ts'], at);
  const other = { ...at, env: { ...it.env('b'), RUN_PIPELINE_STORE: it.files.path('other.db') } };
  expect(await watchRun(['pipe.ts'], other)).toMatchObject({ code: 0, by: { completed: ['make', 'use'] } });
  for (const hash of it.objects('blobs'))
    age(it.object(`blobs/${hash.slice(0, 2)}/${hash}`), 2 * 60 * 60_000);
  const gc = await runPipeline(['gc', '--keep-runs', '0', '--max-age', '0s'], other);
  expect(gc).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /other stores[^]*stores\/[0-9a-f]{32} \(a store of run-pipeline, since 2[^]*prefix of its own/,
    ),
  });
  expect(existsSync(it.object(keyOf(artifact(run.ends['make'], 'text'))))).toBe(true);
});

test.each([
  ['a bucket that is not there', { RUN_PIPELINE_BLOBS: 's3://nowhere' }, /there is no bucket nowhere/],
  [
    'a server that is not there',
    { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1', RUN_PIPELINE_BLOBS_PATIENCE_MS: '500' },
    /failed for 0\.5 s[^]*AWS_ENDPOINT_URL_S3/,
  ],
  [
    'no credentials',
    {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: '/nonexistent',
    },
    /is not allowed[^]*AWS_ACCESS_KEY_ID/,
  ],
])('%s is an error that says what to do', async (_, wrong, message) => {
  const it = machines();
  const run = await runPipeline(['pipe.ts'], { cwd: it.files.directory, env: { ...it.env('a'), ...wrong } });
  expect(run.code).toBe(4);
  expect(run.stderr).toMatch(message);
  expect(run.stderr).not.toContain('    at ');
});
