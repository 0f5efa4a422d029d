import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { isAlive } from '../../project/process-identity.js';

/**
 * Who uses an entry of the cache: a file for each process, within the entry. While one of them lives, the
 * entry is not removed.
 */
const PINS = 'pins';
/** Whether a process of another machine lives, nobody here can see. */
const ELSEWHERE_MS = 24 * 60 * 60 * 1000;

/** Who uses: a process, for as long as one task of it runs. */
export interface PinOwner {
  readonly process: ProcessIdentity;
  readonly task: string | undefined;
}

export function pinPath(entry: string, owner: PinOwner): string {
  const { process, task = '' } = owner;
  const hash = createHash('sha256').update(JSON.stringify([process.host, process.startTime, task]));
  return join(entry, PINS, `${process.pid}-${hash.digest('hex').slice(0, 16)}.json`);
}

export async function pin(entry: string, owner: PinOwner): Promise<string> {
  const path = pinPath(entry, owner);
  await mkdir(join(entry, PINS), { recursive: true });
  await writeFile(path, JSON.stringify(owner.process));
  return path;
}

/** Does a living process use it? Pins of dead ones are removed. */
export async function isPinned(entry: string): Promise<boolean> {
  let pinned = false;
  for (const name of await readdir(join(entry, PINS)).catch(() => [])) {
    const path = join(entry, PINS, name);
    if (await isLive(path)) pinned = true;
    else await rm(path, { force: true });
  }
  return pinned;
}

async function isLive(path: string): Promise<boolean> {
  try {
    const liveness = isAlive(JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity);
    if (liveness !== 'unknown') return liveness === 'alive';
    return Date.now() - (await stat(path)).mtimeMs < ELSEWHERE_MS;
  } catch {
    return false; // gone, or cut by a power failure
  }
}
