import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Pg from 'pg';
import { RunPipelineError } from '@run-pipeline/core/model';

/** The library is the user's to install: beside this installation, else from where the user's program runs. */
export async function loadDriver(cwd: string): Promise<typeof Pg> {
  try {
    return whole(await import('pg'));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    const path = createRequire(join(cwd, 'package.json')).resolve('pg');
    return whole((await import(pathToFileURL(path).href)) as typeof Pg);
  } catch (cause) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'driver-missing',
      message: 'a store at postgres:// needs the package pg, which is not installed',
      help: 'Install it beside run-pipeline: npm install pg',
      cause,
    });
  }
}

/** A CommonJS module: not all of it is among the names that Node finds in its text. */
function whole(module: typeof Pg): typeof Pg {
  const { default: all } = module as unknown as { readonly default?: typeof Pg };
  return all ?? module;
}

function isNotFound(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
