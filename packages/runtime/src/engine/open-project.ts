import { join } from 'node:path';
import { openDirectoryBlobs } from '../artifacts/index.js';
import { ensureHome, resolvePaths, type Project } from '../project/index.js';
import { openSqliteStore } from '../store/index.js';

/** Opens the project that covers `cwd`: its state is made when it does not exist yet. */
export async function openProject(options: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<Project> {
  const paths = await resolvePaths(options);
  await ensureHome(paths);
  const store = await openSqliteStore({ file: join(paths.home, 'state.db') });
  const blobs = openDirectoryBlobs(join(paths.home, 'blobs'));
  return { ...paths, store, blobs };
}
