import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { node } from '../rig/command.js';
import { fleet } from '../rig/agents.js';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { runPipeline, watchRun } from '../rig/warm.js';

let server: Server;
let origin: string;
let content = 'a,b\n1,2\n';
let isBroken = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (isBroken) response.writeHead(403).end();
    else if (request.headers['if-none-match'] === `"${content}"`) response.writeHead(304).end();
    else response.writeHead(200, { etag: JSON.stringify(content).replace(/\\n/g, '') }).end(content);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const PIPELINE = `
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { file, PipelineController, StorageManager } from 'run-pipeline';
import { trace } from './trace.js';

async function stage(rows: number) {
  const path = join(mkdtempSync('stage-'), 'iris.csv');
  writeFileSync(path, 'row\\n'.repeat(rows));
  return file(path);
}

async function process(url: string) {
  trace('process');
  const path = await StorageManager.getLocalCopy(url);
  return { name: basename(path), size: readFileSync(path).length };
}

async function fetched(url: string) {
  trace('fetched');
  return readFileSync(await StorageManager.getLocalCopy(url), 'utf8');
}

const pipe = new PipelineController({ name: 'storage', project: 'tests' });
pipe.addParameter({ name: 'url', type: 'string' });
pipe.addFunctionStep({ name: 'small', function: stage, functionKwargs: { rows: 3 }, functionReturn: ['dataset'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'large', function: stage, functionKwargs: { rows: 30_000 }, functionReturn: ['dataset'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'of_small', function: process, functionKwargs: { url: '$<small.artifacts.dataset.url>' }, functionReturn: ['found'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'of_large', function: process, functionKwargs: { url: '$<large.artifacts.dataset.url>' }, functionReturn: ['found'], cacheExecutedStep: true });
pipe.addFunctionStep({ name: 'of_web', function: fetched, functionKwargs: { url: '$<pipeline.url>' }, functionReturn: ['text'], cacheExecutedStep: true });
await pipe.start();
`;

const project = (): string => scratch({ 'pipe.ts': PIPELINE, ...TRACE }).directory;

test('a step gets local copies: of another step’s artifacts, which may be cached, and of what may change', async () => {
  const cwd = project();
  const url = `${origin}/data.csv`;
  const first = await watchRun(['pipe.ts', '--param', `url=${url}`], { cwd });
  expect(first.stderr).not.toContain('Error');
  expect(first.code).toBe(0);
  const value = async (reference: string): Promise<unknown> =>
    JSON.parse((await runPipeline(['get', 'latest', reference, '--json'], { cwd })).stdout);
  expect(await value('of_small.found')).toEqual({ name: 'iris.csv', size: 12 });
  expect(await value('of_large.found')).toEqual({ name: 'iris.csv', size: 120_000 });
  expect(await value('of_web.text')).toBe('a,b\n1,2\n');
  content = 'a,b\n3,4\n';
  const second = await watchRun(['pipe.ts', '--param', `url=${url}`], { cwd });
  expect({ ...second.by, cached: [...second.by.cached!].sort() }).toEqual({
    cached: ['large', 'of_large', 'of_small', 'small'],
    completed: ['of_web'],
  });
  expect(await value('of_web.text')).toBe('a,b\n3,4\n');
  const why = await runPipeline(['why', 'latest', 'of_web'], { cwd });
  expect(why.stdout).toContain(`StorageManager.getLocalCopy reads ${url}, which may change`);
  const kept = await readdir(join(cwd, '.run-pipeline/cache/storage/entries'));
  expect(kept).toHaveLength(4);
});

test('on an agent, from an empty directory, it is the same', async () => {
  const { files, agent } = await fleet({ 'pipe.ts': PIPELINE, ...TRACE });
  await agent();
  const run = await watchRun(['pipe.ts', '--param', `url=${origin}/data.csv`, '--queue', 'default'], {
    cwd: files.directory,
  });
  expect(run.by.completed).toHaveLength(5);
  expect(run.events.flatMap((event) => (event.type === 'step.start' ? event.agent : []))).toHaveLength(5);
  const found = await runPipeline(['get', 'latest', 'of_large.found', '--json'], { cwd: files.directory });
  expect(JSON.parse(found.stdout)).toEqual({ name: 'iris.csv', size: 120_000 });
});

test('a step finds what it has uploaded itself, before anything of it is committed', async () => {
  const { directory: cwd } = scratch({
    'pipe.ts': `
      import { createHash } from 'node:crypto';
      import { readFileSync, writeFileSync } from 'node:fs';
      import { basename } from 'node:path';
      import { currentTask, PipelineController, StorageManager } from 'run-pipeline';
      async function one() {
        const names: string[] = [];
        for (const content of ['small', 'large '.repeat(10_000)]) {
          writeFileSync('own.csv', content);
          await currentTask().uploadArtifact('own', 'own.csv');
          const url = 'artifact://sha256/' + createHash('sha256').update(content).digest('hex');
          const path = await StorageManager.getLocalCopy(url);
          names.push(basename(path) + ' ' + readFileSync(path).length);
        }
        return names;
      }
      const pipe = new PipelineController({ name: 'own', project: 'tests' });
      pipe.addFunctionStep({ name: 'one', function: one, functionReturn: ['names'] });
      await pipe.start();`,
  });
  const run = await watchRun(['pipe.ts'], { cwd });
  expect(run.ends['one']!.error).toBeUndefined();
  const names = await runPipeline(['get', 'latest', 'one.names', '--json'], { cwd });
  expect(JSON.parse(names.stdout)).toEqual(['own.csv 5', 'own.csv 60000']);
});

test('what goes wrong is told where the step asked for it, without what opens the address', async () => {
  const cwd = project();
  isBroken = true;
  try {
    const url = `${origin.replace('//', '//user:s3cr3t@')}/data.csv?signature=s1gn3d`;
    const run = await watchRun(['pipe.ts', '--param', `url=${url}`], { cwd });
    expect(run.ends['of_web']!.error).toMatchObject({
      name: 'RunPipelineError',
      code: 'storage-denied',
      at: expect.stringMatching(/^pipe\.ts:21:/),
      message: expect.stringContaining(`cannot read ${origin}/data.csv?…: the server answers 403`),
    });
    expect(JSON.stringify(run.ends['of_web'])).not.toMatch(/s3cr3t|s1gn3d/);
  } finally {
    isBroken = false;
  }
});

test('a program of its own has its copies in the project it belongs to; gc frees them all', async () => {
  const { directory: cwd } = scratch({
    'pipe.ts': PIPELINE,
    ...TRACE,
    'program.mjs': `
      import { StorageManager } from 'run-pipeline';
      console.log(await StorageManager.getLocalCopy(process.argv[2]));`,
  });
  await watchRun(['pipe.ts', '--param', `url=${origin}/a.csv`], { cwd });
  const { stdout, stderr, code } = await node(['program.mjs', `${origin}/b.csv`], { cwd });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const entries = join(cwd, '.run-pipeline/cache/storage/entries');
  expect(stdout.startsWith(join(entries, 'file-'))).toBe(true);
  expect(await readdir(entries)).toHaveLength(4);
  const free = ['gc', '--keep-runs', '1', '--max-age', '1ms'];
  const dry = await runPipeline([...free, '--dry-run', '--json'], { cwd });
  expect(JSON.parse(dry.stdout)).toMatchObject({ copies: 4 });
  const gc = await runPipeline(free, { cwd });
  expect(gc.stdout).toContain('4 local copies');
  expect(await readdir(entries)).toEqual([]);
});
