import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A project of its own in a temporary directory, with `run-pipeline` installed as a link. */
export interface Scratch {
  readonly directory: string;
  path(...parts: string[]): string;
  /** Writes files, relative to the directory. */
  write(files: Readonly<Record<string, string>>): void;
  /** Links `run-pipeline` into its `node_modules` again, when npm has removed it. */
  link(): void;
}

export function scratch(
  files: Readonly<Record<string, string>>,
  options: { readonly keep?: boolean } = {},
): Scratch {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-test-')));
  const path = (...parts: string[]): string => join(directory, ...parts);
  const write = (tree: Readonly<Record<string, string>>): void => {
    for (const [name, content] of Object.entries(tree)) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), content);
    }
  };
  write({
    'package.json': '{ "name": "scratch", "version": "1.0.0", "type": "module", "private": true }\n',
    ...files,
  });
  const link = (): void => {
    mkdirSync(path('node_modules', '@run-pipeline'), { recursive: true });
    for (const [name, place] of [
      ['run-pipeline', 'packages/runtime'],
      ['@run-pipeline/core', 'packages/core'],
    ] as const) {
      rmSync(path('node_modules', name), { recursive: true, force: true });
      symlinkSync(join(repository, place), path('node_modules', name));
    }
  };
  link();
  if (options.keep !== true)
    onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return { directory, path, write, link };
}

/** A small npm package in `node_modules`, as an installer would leave it. */
export function npmPackage(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  manifest: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, string>> {
  return Object.fromEntries([
    [`node_modules/${name}/package.json`, JSON.stringify({ name, version, ...manifest })],
    ...Object.entries(files).map(([file, content]) => [`node_modules/${name}/${file}`, content] as const),
  ]);
}
