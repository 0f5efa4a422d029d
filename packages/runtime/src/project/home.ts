import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import { makeDirectory } from './make-directory.js';
import type { ProjectPaths } from './project.js';

/**
 * Makes the project's home and the directories inside it. The home ignores itself (`.gitignore` with
 * `*`), so that state is never committed by accident.
 *
 * @throws RunPipelineError of kind `store` when the place cannot be written.
 */
export function ensureHome(paths: ProjectPaths): void {
  try {
    for (const directory of ['blobs', 'packages', 'cache', 'tmp']) {
      makeDirectory(join(paths.home, directory));
    }
    accessSync(paths.home, constants.W_OK);
    const ignore = join(paths.home, '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  } catch (error) {
    throw cannotWrite(paths, error);
  }
}

function cannotWrite(paths: ProjectPaths, error: unknown): RunPipelineError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return new RunPipelineError({
    kind: 'store',
    code: 'home-not-writable',
    message: `the state of this project cannot be kept in ${paths.home}: ${REASONS[code] ?? (error as Error).message}`,
    help: 'make the directory writable, or set RUN_PIPELINE_HOME to a directory that is (for example RUN_PIPELINE_HOME=/tmp/run-pipeline)',
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
  ENOENT: 'the directory cannot be created there',
};
