import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Store } from '@run-pipeline/core/ports';
import { CHROMIUM, startPageServer, type PageServer } from '../rig/browser.js';
import { query, runPipeline } from '../rig/command.js';
import { scratch } from '../rig/scratch.js';
import { openSqliteStore } from '../rig/engine.js';

/** `describe`, or skipped where there is no browser. */
export const describePage = describe.skipIf(CHROMIUM === undefined);

/** Nothing is being read any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main').waitFor();
  await expect.poll(() => page.getByText(/^(?:Loading |Looking what)/).count(), { timeout: 20_000 }).toBe(0);
}

export const pipelineSource = (name: string): string =>
  readFileSync(new URL(`pipelines/${name}.ts`, import.meta.url), 'utf8');

export interface PageProject {
  readonly directory: string;
  readonly server: PageServer;
  /** Id of a run, `mixed#2`. */
  run(name: string): string;
}

/** A project whose pipelines ran before the tests of a file, with a server that all of them use. */
export function pageProject(options: {
  readonly files: Readonly<Record<string, string>>;
  /** Words of the command line, one run each. */
  readonly runs: readonly (readonly string[])[];
  /** A file that is edited after those runs, and runs of what it is then. */
  readonly edited?: {
    readonly file: string;
    readonly edit: (source: string) => string;
    readonly runs: readonly (readonly string[])[];
  };
  /** Scripts that are executed as tasks. */
  readonly tasks?: readonly string[];
  /** Runs that are written straight into the store: as large as they may be, nothing is executed. */
  readonly written?: (store: Store) => Promise<void>;
}): PageProject {
  let directory = '';
  let server: PageServer | undefined;
  const ids = new Map<string, string>();
  beforeAll(async () => {
    if (CHROMIUM === undefined) return;
    ({ directory } = scratch(options.files, { keep: true }));
    if (options.written !== undefined) {
      mkdirSync(join(directory, '.run-pipeline'));
      const store = await openSqliteStore({ file: join(directory, '.run-pipeline', 'state.db') });
      await options.written(store);
      await store.close();
    }
    const runAll = async (runs: readonly (readonly string[])[]): Promise<void> => {
      for (const words of runs)
        await runPipeline([...words, '--output', 'quiet'], { cwd: directory, timeout: 120_000 });
    };
    await runAll(options.runs);
    if (options.edited !== undefined) {
      const path = join(directory, options.edited.file);
      const before = readFileSync(path, 'utf8');
      writeFileSync(path, options.edited.edit(before));
      await runAll(options.edited.runs);
      writeFileSync(path, before);
    }
    for (const file of options.tasks ?? [])
      await runPipeline(['task', 'run', file, '--project', 'page', '--name', 'a script'], { cwd: directory });
    const runs = await query<
      readonly { readonly id: string; readonly pipeline: string; readonly number: number }[]
    >(['runs'], { cwd: directory });
    for (const { id, pipeline, number } of runs) ids.set(`${pipeline}#${number}`, id);
    server = await startPageServer({ cwd: directory });
  }, 180_000);
  afterAll(async () => {
    await server?.kill();
    if (directory !== '') rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    get directory() {
      return directory;
    },
    get server() {
      return server!;
    },
    run: (name) => {
      const id = ids.get(name);
      if (id === undefined) throw new Error(`there is no run ${name}, only ${[...ids.keys()].join(', ')}`);
      return id;
    },
  };
}
