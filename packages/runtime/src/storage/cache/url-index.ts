import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '@run-pipeline/core/model';
import type { Validators } from '../remote/remote.js';

/** What was found at an address when it was looked at last. The address itself is not kept: it may open something. */
export interface KnownContent {
  readonly hash: Digest;
  readonly size: number;
  readonly fileName: string;
  readonly validators: Validators;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
}

const VERSION = 1;

export const INDEX = 'index';

/** `address` without what opens it: whoever may not read it does not get past the server. */
export const indexKey = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 40);

export async function readKnown<T = KnownContent>(directory: string, key: string): Promise<T | undefined> {
  try {
    const { version, ...known } = JSON.parse(await readFile(fileOf(directory, key), 'utf8')) as {
      version: number;
    };
    return version === VERSION ? (known as T) : undefined;
  } catch {
    return undefined;
  }
}

export async function writeKnown(directory: string, key: string, known: object): Promise<void> {
  const file = fileOf(directory, key);
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  await writeFile(draft, JSON.stringify({ version: VERSION, ...known }));
  await rename(draft, file);
}

const fileOf = (directory: string, key: string): string => join(directory, INDEX, `${key}.json`);
