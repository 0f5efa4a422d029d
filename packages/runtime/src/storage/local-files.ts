import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface LocalFile {
  /** Parts joined by `/`. */
  readonly path: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

/** Every file below a directory, or below nothing; links are followed to files, not to directories. */
export async function filesBelow(directory: string): Promise<LocalFile[]> {
  const files: LocalFile[] = [];
  const visit = async (at: string, prefix: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const name = `${prefix}${entry.name}`;
      const path = join(at, entry.name);
      if (entry.isDirectory()) await visit(path, `${name}/`);
      else {
        const found = await stat(path).catch(() => undefined);
        if (found?.isFile() === true) files.push({ path: name, size: found.size, modifiedAt: found.mtime });
      }
    }
  };
  await visit(directory, '');
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Replaces a file as a whole: who reads it meanwhile reads the old one or the new one. */
export async function replaceFile(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const draft = join(
    dirname(target),
    `.${basename(target).slice(0, 200)}.${randomBytes(6).toString('hex')}.tmp`,
  );
  try {
    await copyFile(source, draft, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const file = await open(draft, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
