import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stampFiles } from '../package/installation-mark.js';
import type { PackagedImports } from './environment.js';

export const PROJECT_MEMO = '.project-';

/** Known to be as packaged, for as long as these files are as they were. */
interface Memo {
  readonly files: readonly string[];
  readonly state: string;
}

/** File systems keep times as coarsely as this: what is younger may change again unnoticed (INVARIANTS 5). */
const SETTLED_MS = 2_000;

/**
 * Whether a project's own installation is what the package was made with, version and content of the
 * whole closure. The answer yes is remembered until something is installed there; a package that is
 * edited where it lies has another closure, and so another memo.
 */
export async function projectHolds(options: {
  readonly project: string;
  readonly manifest: PackagedImports;
  readonly cache: string;
}): Promise<boolean> {
  const { project, manifest, cache } = options;
  const memo = memoPath(options);
  const known = await readMemo(memo);
  if (known !== undefined && stampFiles(known.files) === known.state) return true;
  const { installedAsPackaged } = await import('../package/dependencies/installed-content.js');
  const files = installedAsPackaged(project, manifest);
  if (files === undefined) return false;
  if (areSettled(files)) {
    await mkdir(cache, { recursive: true });
    const draft = `${memo}-${process.pid}.tmp`;
    await writeFile(draft, JSON.stringify({ files, state: stampFiles(files) } satisfies Memo));
    await rename(draft, memo);
  }
  return true;
}

/** What the task imports counts as well as what is installed: the closure begins there. */
function memoPath(options: {
  readonly project: string;
  readonly manifest: PackagedImports;
  readonly cache: string;
}): string {
  const { project, manifest, cache } = options;
  const externals = manifest.externals.filter((external) => external.kind === 'npm');
  const hash = createHash('sha256').update(
    JSON.stringify(['project-1', project, manifest.closureHash, externals]),
  );
  return join(cache, `${PROJECT_MEMO}${hash.digest('hex').slice(0, 40)}.json`);
}

async function readMemo(path: string): Promise<Memo | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Memo;
  } catch {
    return undefined;
  }
}

function areSettled(files: readonly string[]): boolean {
  const limit = Date.now() - SETTLED_MS;
  return files.every((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined || found.mtimeMs < limit;
  });
}
