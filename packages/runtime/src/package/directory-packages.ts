import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digest, type Digest } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import { makeDirectory } from '../project/make-directory.js';

/**
 * Task packages in a directory that every machine has mounted: for a fleet without S3. One file a package, named
 * by its hash, a signature `….<id of the key>.sig` beside it; each appears whole, by rename.
 */
export function directoryPackages(directory: string): PackageStore {
  const fileOf = (hash: Digest): string => join(directory, digest(hash).slice('sha256:'.length));
  const signatureOf = (hash: Digest, key: string): string => {
    if (!/^[0-9a-f]{1,64}$/.test(key)) throw new Error('the id of a key is hexadecimal');
    return `${fileOf(hash)}.${key}.sig`;
  };
  return {
    write: (hash, bytes) => write(directory, fileOf(hash), bytes),
    read: (hash) => unlessMissing(readFile(fileOf(hash))),
    async age(hash) {
      const found = await unlessMissing(stat(fileOf(hash)));
      return found === undefined ? undefined : Date.now() - found.mtimeMs;
    },
    async *list() {
      for (const name of (await unlessMissing(readdir(directory))) ?? []) {
        const found = HEX.test(name) ? await unlessMissing(stat(join(directory, name))) : undefined;
        if (found !== undefined)
          yield { hash: digest(`sha256:${name}`), size: found.size, ageMs: Date.now() - found.mtimeMs };
      }
    },
    async delete(hash) {
      const name = digest(hash).slice('sha256:'.length);
      const names = (await unlessMissing(readdir(directory))) ?? [];
      // The package first: a signature alone says nothing.
      await rm(fileOf(hash), { force: true });
      for (const each of names)
        if (each.startsWith(`${name}.`)) await rm(join(directory, each), { force: true });
    },
    writeSignature: (hash, key, signature) => write(directory, signatureOf(hash, key), signature),
    readSignature: (hash, key) => unlessMissing(readFile(signatureOf(hash, key))),
  };
}

const HEX = /^[0-9a-f]{64}$/;

/** Durable when it resolves: what names it is committed next. */
async function write(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  makeDirectory(directory);
  const temporary = join(directory, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const entry = await open(directory, 'r');
  try {
    await entry.sync();
  } finally {
    await entry.close();
  }
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
