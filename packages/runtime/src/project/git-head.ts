import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ancestors } from './paths.js';

/**
 * The commit that is checked out, and the branch, from git's own files: every run keeps it, and asking git
 * would cost more than a cached run. Undefined outside of a repository, before its first commit, and where
 * refs are kept in another way (reftable); never throws.
 */
export function readGitHead(
  directory: string,
): { readonly commit: string; readonly branch?: string } | undefined {
  try {
    const git = gitDirectory(directory);
    if (git === undefined) return undefined;
    const head = readFileSync(join(git, 'HEAD'), 'utf8').trim();
    const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1];
    const commit = ref === undefined ? head : commitOf(git, ref);
    if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
    const branch = ref?.startsWith('refs/heads/') === true ? ref.slice('refs/heads/'.length) : undefined;
    return branch === undefined ? { commit } : { commit, branch };
  } catch {
    return undefined;
  }
}

/** `.git` above; of a worktree or a submodule it is a file that tells where. */
function gitDirectory(directory: string): string | undefined {
  for (const above of ancestors(resolve(directory))) {
    const path = join(above, '.git');
    try {
      const text = readFileSync(path, 'utf8');
      const target = /^gitdir: (.+)$/m.exec(text)?.[1]?.trim();
      if (target !== undefined) return isAbsolute(target) ? target : resolve(above, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EISDIR') return path;
    }
  }
  return undefined;
}

/** A worktree has its own HEAD, and shares the refs. */
function commitOf(git: string, ref: string): string | undefined {
  const shared = readText(join(git, 'commondir'))?.trim();
  const places = shared === undefined ? [git] : [git, resolve(git, shared)];
  for (const place of places) {
    const loose = readText(join(place, ref))?.trim();
    if (loose !== undefined) return loose;
    for (const line of readText(join(place, 'packed-refs'))?.split('\n') ?? [])
      if (line.endsWith(` ${ref}`)) return line.slice(0, line.indexOf(' '));
  }
  return undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
