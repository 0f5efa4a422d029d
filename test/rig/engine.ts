import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type * as Sources from './engine-sources.js';
import { repository } from './scratch.js';

/**
 * The names of `engine-sources.ts`, bundled by esbuild: Vitest would transform the five hundred modules behind them
 * one by one, in every file of tests, which takes three seconds.
 */
const ENTRY = join(repository, 'test/rig/engine-sources.ts');
/** What lies in here is imported by Node itself. */
const DIRECTORY = join(repository, 'node_modules/.cache/run-pipeline-tests');

/** The sources as they are now, by names, times and sizes. */
function state(): string {
  const hash = createHash('sha256')
    .update(readFileSync(ENTRY))
    .update(readFileSync(import.meta.filename));
  for (const room of ['packages/core/src', 'packages/runtime/src']) {
    const names = readdirSync(join(repository, room), { recursive: true, encoding: 'utf8' });
    for (const name of names.sort()) {
      const { mtimeMs, size } = statSync(join(repository, room, name));
      if (name.endsWith('.ts')) hash.update(`${name} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function bundled(): Promise<string> {
  const file = join(DIRECTORY, `engine-${state()}.mjs`);
  if (existsSync(file)) return file;
  mkdirSync(DIRECTORY, { recursive: true });
  const core = join(repository, 'packages/core/src');
  const rooms = readdirSync(core, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const unfinished = `${file}.${process.pid}`;
  await build({
    entryPoints: [ENTRY],
    outfile: unfinished,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    alias: Object.fromEntries([
      ...rooms.map(({ name }) => [`@run-pipeline/core/${name}`, join(core, name, 'index.ts')]),
      ['@run-pipeline/core', join(core, 'index.ts')],
    ]) as Record<string, string>,
    tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true } },
    logLevel: 'warning',
  });
  renameSync(unfinished, file);
  for (const name of readdirSync(DIRECTORY))
    if (Date.now() - statSync(join(DIRECTORY, name)).mtimeMs > 3_600_000)
      rmSync(join(DIRECTORY, name), { force: true });
  return file;
}

export const {
  collectGarbage,
  createWorkerPool,
  decodeStored,
  executeRecord,
  isAlive,
  newKeyPair,
  newTaskId,
  openProject,
  openSqliteStore,
  packageScript,
  processIdentity,
  provideEnvironment,
  readPackage,
  RECYCLE,
  resumeRun,
  settleController,
  specOf,
  startController,
  stepExecutable,
} = (await import(/* @vite-ignore */ pathToFileURL(await bundled()).href)) as typeof Sources;
