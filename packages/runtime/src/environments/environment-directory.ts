import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * An environment in the cache: `<cache>/<key>/` with `node_modules` and a mark, which is written when all
 * is there. It is made under a temporary name and renamed, so a directory with the right name is whole;
 * the mark's time is when it was last used.
 */
const MARK = 'environment.json';
export const UNFINISHED = '.installing-';
export const REMOVED = '.removed-';
/** Uses closer together than this are one: a busy agent need not write for every task. */
const USE_MS = 60_000;

export const environmentDirectory = (cache: string, key: string): string => join(cache, key);

/** Is it there, whole? Marks it as used. */
export async function useEnvironment(directory: string): Promise<boolean> {
  const mark = join(directory, MARK);
  const found = await stat(mark).catch(() => undefined);
  if (found === undefined) return false;
  const now = Date.now();
  // Best effort: a cache that may only be read serves as well.
  if (now - found.mtimeMs > USE_MS) await utimes(mark, now / 1000, now / 1000).catch(() => undefined);
  return true;
}

export function unfinishedName(cache: string, key: string): string {
  return join(cache, `${UNFINISHED}${key}-${process.pid}-${randomBytes(6).toString('hex')}`);
}

/** Gives a whole environment its name. Another process may have been first: then its one is as good. */
export async function finishEnvironment(options: {
  readonly unfinished: string;
  readonly directory: string;
  readonly facts: object;
}): Promise<void> {
  const { unfinished, directory, facts } = options;
  await writeFile(join(unfinished, MARK), JSON.stringify(facts));
  try {
    await rename(unfinished, directory);
  } catch (error) {
    if (!isTaken(error)) throw error;
    if (existsSync(join(directory, MARK))) return rm(unfinished, { recursive: true, force: true });
    // What is in the way was damaged by somebody: nothing of ours stops before the mark.
    await removeEnvironment(directory);
    await rename(unfinished, directory);
  }
}

function isTaken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM' || code === 'ENOTDIR';
}

async function removeEnvironment(directory: string): Promise<void> {
  await removeAside(directory, async () => Promise.resolve(true));
}

/** It is gone at once, for those who look; its files follow, if it is still to be removed then. */
export async function removeAside(
  directory: string,
  isMeant: (aside: string) => Promise<boolean>,
): Promise<boolean> {
  const aside = join(
    dirname(directory),
    `${REMOVED}${basename(directory)}-${randomBytes(6).toString('hex')}`,
  );
  await rename(directory, aside);
  if (!(await isMeant(aside))) return false;
  await rm(aside, { recursive: true, force: true });
  return true;
}

/** When an environment was last asked for; undefined when it is none. */
export async function lastUse(directory: string): Promise<number | undefined> {
  return (await stat(join(directory, MARK)).catch(() => undefined))?.mtimeMs;
}
