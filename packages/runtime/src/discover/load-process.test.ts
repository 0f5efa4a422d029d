import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { pruneLoadCache } from './prune.js';
import { scratchDirectory, scratchProject } from './scratch-project.test-support.js';

// The loader in processes of its own, outside of the test runner, as the command line runs it: with
// esbuild and trace-mapping beside it, or without.

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const execute = promisify(execFile);
let installation = '';

beforeAll(async () => {
  installation = scratchDirectory();
  await build({
    stdin: {
      contents: `export * from './load.ts'; export * from './candidates.ts'; export * from '../project/paths.ts';
export { registry } from '@run-pipeline/core/define';`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: join(installation, 'loader.mjs'),
    external: ['esbuild', '@jridgewell/*'],
    alias: Object.fromEntries(
      ['define', 'model'].map((room) => [
        `@run-pipeline/core/${room}`,
        join(repository, `packages/core/src/${room}/index.ts`),
      ]),
    ),
    logLevel: 'error',
  });
  await build({
    entryPoints: [join(repository, 'packages/core/src/index.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: join(installation, 'node_modules/run-pipeline/index.mjs'),
    logLevel: 'error',
  });
  writeFileSync(
    join(installation, 'node_modules/run-pipeline/package.json'),
    '{"name":"run-pipeline","exports":"./index.mjs"}',
  );
  mkdirSync(join(installation, 'node_modules/@jridgewell'));
  const resolve = createRequire(import.meta.url).resolve;
  symlinkSync(dirname(resolve('esbuild/package.json')), join(installation, 'node_modules/esbuild'));
  for (const name of ['trace-mapping', 'resolve-uri', 'sourcemap-codec']) {
    symlinkSync(
      dirname(
        createRequire(resolve('@jridgewell/trace-mapping')).resolve(`@jridgewell/${name}/package.json`),
      ),
      join(installation, 'node_modules/@jridgewell', name),
    );
  }
  writeFileSync(
    join(installation, 'main.mjs'),
    `import { labelOf, loadFile, registry, resolvePaths, selectCandidate } from './loader.mjs';
const [file, mode] = process.argv.slice(2);
const onStart = mode === 'run' ? async (subject, options, { candidates }) => {
  console.log('start', candidates[0].definition().name);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return { status: 'completed' };
} : mode === 'refuse' ? async () => { throw Object.assign(new Error('the disk is full'), { kind: 'store', code: 'disk-full' }); } : undefined;
try {
  const loaded = await loadFile({ paths: resolvePaths({ cwd: process.cwd(), env: {} }), file, argv: ['--x'], onStart });
  console.log('loaded', loaded.candidates.map(labelOf).join(), 'starts', loaded.starts.length);
  for (const candidate of loaded.candidates) console.log(candidate.definition().steps.map(({ name, source }) => name + ':' + source.line).join());
  console.log('steps', [...registry().steps.values()].map(({ name, source }) => name + ':' + source.line).join());
} catch (error) {
  console.log(error.kind, error.code, error.at && error.at.line + ':' + error.at.column, error.message);
}
process.exit();
`,
  );
});

async function load(cwd: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout, stderr } = await execute(process.execPath, [join(installation, 'main.mjs'), ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

const SOURCE = `import { Pipeline, Step, pipeline, step } from 'run-pipeline';
interface Unused {
  a: 1;
}
@Pipeline({ name: 'iris' })
export class Iris {
  @Step()
  load() {}
}
const train = step(async () => 1);
export const scoring = pipeline({ name: 'scoring' }, async () => train());
`;

test('a repeated load needs neither esbuild nor a source map, and says the same', async () => {
  const project = scratchProject({ 'pipe.ts': SOURCE });
  const first = await load(project.directory, 'pipe.ts');
  expect(first).toEqual(['loaded Iris,scoring starts 0', 'load:7', '', 'steps train:10']);
  renameSync(join(installation, 'node_modules/esbuild'), join(installation, 'esbuild-away'));
  renameSync(join(installation, 'node_modules/@jridgewell'), join(installation, 'jridgewell-away'));
  try {
    expect(await load(project.directory, 'pipe.ts')).toEqual(first);
  } finally {
    renameSync(join(installation, 'esbuild-away'), join(installation, 'node_modules/esbuild'));
    renameSync(join(installation, 'jridgewell-away'), join(installation, 'node_modules/@jridgewell'));
  }
});

test('a damaged cache is made anew', async () => {
  const project = scratchProject({ 'pipe.ts': SOURCE });
  const first = await load(project.directory, 'pipe.ts');
  const cache = join(project.paths.home, 'cache/load');
  for (const name of readdirSync(cache).filter((item) => item.endsWith('.json')))
    writeFileSync(join(cache, name), '{"format":1');
  expect(await load(project.directory, 'pipe.ts')).toEqual(first);
});

test('two processes may load the same file at once', async () => {
  const project = scratchProject({ 'pipe.ts': SOURCE });
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => load(project.directory, 'pipe.ts')));
  expect(two).toEqual(one);
  expect(three).toEqual(one);
});

test('a CommonJS file gets the framework without a warning', async () => {
  const project = scratchProject({
    'pipe.cjs': `const { pipeline } = require('run-pipeline');\nmodule.exports = { p: pipeline({ name: 'p' }, async () => {}) };\n`,
  });
  expect(await load(project.directory, 'pipe.cjs')).toEqual(['loaded p starts 0', '', 'steps']);
});

test('a file that awaits its start ends there when nothing runs, and goes on after a run', async () => {
  const project = scratchProject({
    'pipe.ts': `import { pipeline, run } from 'run-pipeline';
const p = pipeline({ name: 'p' }, async () => {});
const { status } = await run(p);
console.log('after', status, process.argv.slice(2).join());
`,
  });
  expect(await load(project.directory, 'pipe.ts')).toEqual(['loaded p starts 1', '', 'steps']);
  expect(await load(project.directory, 'pipe.ts', 'run')).toEqual([
    'start p',
    'after completed --x',
    'loaded p starts 1',
    '',
    'steps',
  ]);
});

test('what a file throws is told at the TypeScript line, from the cache too', async () => {
  const project = scratchProject({
    'pipe.ts': `interface A {\n  a: 1;\n}\n\nexport const x: number = (undefined as any).y;\n`,
  });
  for (let round = 0; round < 2; round++) {
    expect((await load(project.directory, 'pipe.ts'))[0]).toMatch(
      /^load evaluation-failed 5:\d+ .*TypeError: Cannot read properties of undefined/,
    );
  }
});

test('an export that a package does not have is told at its import', async () => {
  const project = scratchProject({
    'node_modules/lib/package.json': '{"name":"lib","type":"module","exports":"./i.js"}',
    'node_modules/lib/i.js': 'export const a = 1;',
    'pipe.ts': `type T = 1;\nimport { b } from 'lib';\nconsole.log(b);\n`,
  });
  expect((await load(project.directory, 'pipe.ts'))[0]).toMatch(
    /^load evaluation-failed 2:\d+ .*does not provide an export named 'b'/,
  );
});

test('a rejection that the file leaves alone is told at its line', async () => {
  const project = scratchProject({
    'pipe.ts': `interface A {\n  a: 1;\n}\nasync function main() {\n  await null;\n  throw new RangeError('too far');\n}\nvoid main();\nawait new Promise((resolve) => setTimeout(resolve, 1000));\n`,
  });
  expect((await load(project.directory, 'pipe.ts'))[0]).toMatch(
    /^load evaluation-failed 6:9 pipe\.ts cannot be loaded: RangeError: too far/,
  );
});

test('a file that waits for what never comes is an error, not silence', async () => {
  const project = scratchProject({ 'pipe.ts': `await new Promise(() => {});\n` });
  expect((await load(project.directory, 'pipe.ts'))[0]).toMatch(/^load evaluation-stuck 1:1 /);
});

test('what the file throws after its run is told as that; why a run failed to start is not changed', async () => {
  const project = scratchProject({
    'pipe.ts': `import { pipeline, run } from 'run-pipeline';\nconst p = pipeline({ name: 'p' }, async () => {});\nawait run(p);\nthrow new Error('later');\n`,
  });
  expect(await load(project.directory, 'pipe.ts', 'run')).toEqual([
    'start p',
    'load evaluation-failed 4:7 pipe.ts failed after its start: Error: later',
  ]);
  expect(await load(project.directory, 'pipe.ts', 'refuse')).toEqual([
    'store disk-full undefined the disk is full',
  ]);
});

test('pruning keeps what is used and what is young', async () => {
  const project = scratchProject({ 'pipe.ts': SOURCE });
  await load(project.directory, 'pipe.ts');
  project.write({ 'pipe.ts': `${SOURCE}export const more = 1;\n` });
  await load(project.directory, 'pipe.ts');
  const cache = join(project.paths.home, 'cache/load');
  const count = readdirSync(cache).length;
  expect(pruneLoadCache({ paths: project.paths, dryRun: false })).toEqual({ files: 0, bytes: 0 });
  for (const name of readdirSync(cache)) utimesSync(join(cache, name), 1, 1);
  expect(pruneLoadCache({ paths: project.paths, dryRun: true }).files).toBe(4);
  expect(pruneLoadCache({ paths: project.paths, dryRun: false }).files).toBe(4);
  expect(readdirSync(cache)).toHaveLength(count - 4);
  expect(existsSync(cache)).toBe(true);
  expect((await load(project.directory, 'pipe.ts'))[0]).toBe('loaded Iris,scoring starts 0');
});
