import { join } from 'node:path';
import type { TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';

/** Where a package is kept: a digest is safe as a name. */
export const packageDirectory = (paths: ProjectPaths, hash: TaskPackage['hash']): string =>
  join(paths.home, 'packages', hash.slice('sha256:'.length));
