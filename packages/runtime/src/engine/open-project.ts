import { join } from 'node:path';
import { directoryBlobs } from '../artifacts/index.js';
import { ensureHome } from '../project/home.js';
import { resolvePaths } from '../project/paths.js';
import type { Project } from '../project/project.js';
import { openSqliteStore } from '../store/index.js';

/** Opens the project that covers `cwd`: its state is made when it does not exist yet. */
export async function openProject(options: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<Project> {
  const paths = resolvePaths(options);
  ensureHome(paths);
  const store = await openSqliteStore({ file: join(paths.home, 'state.db') });
  const blobs = directoryBlobs(join(paths.home, 'blobs'));
  return { ...paths, store, blobs };
}
