import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll } from 'vitest';
import { resolvePaths } from '../project/paths.js';
import type { ProjectPaths } from '../project/project.js';
import type { LoadedFile, LoadOptions, ResolveFramework } from './discovery.js';
import { loadFile } from './load.js';

/** A project of real files in a directory of its own, removed after the tests of the file. */
export interface ScratchProject {
  readonly directory: string;
  readonly paths: ProjectPaths;
  path(name: string): string;
  write(files: Readonly<Record<string, string>>): void;
  load(file: string, options?: Partial<LoadOptions>): Promise<LoadedFile>;
}

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

export function scratchDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-discover-')));
  made.push(directory);
  return directory;
}

export function scratchProject(files: Readonly<Record<string, string>>): ScratchProject {
  const directory = scratchDirectory();
  const write = (more: Readonly<Record<string, string>>): void => {
    for (const [name, content] of Object.entries(more)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
  };
  write({ 'package.json': '{"name":"scratch","type":"module"}', ...files });
  const paths = resolvePaths({ cwd: directory, env: {} });
  return {
    directory,
    paths,
    path: (name) => join(directory, name),
    write,
    load: (file, options) => loadFile({ paths, file, framework: builtFramework(), ...options }),
  };
}

let framework: ResolveFramework | undefined;

/** Core as plain JavaScript, which a user's file (outside of the test runner) can import. */
export function builtFramework(): ResolveFramework {
  if (framework === undefined) {
    const directory = scratchDirectory();
    const core = fileURLToPath(new URL('../../../core/src/index.ts', import.meta.url));
    const outfile = join(directory, 'framework.mjs');
    buildSync({
      entryPoints: [core],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
    const url = pathToFileURL(outfile).href;
    framework = (specifier) => (/^(?:run-pipeline|@run-pipeline\/core)$/.test(specifier) ? url : undefined);
  }
  return framework;
}
