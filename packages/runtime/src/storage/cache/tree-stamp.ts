import { createHash } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface TreeStamp {
  /** Over names, sizes and times: it changes when somebody changes, adds or removes a file. */
  readonly stamp: string;
  /** Of all files. */
  readonly bytes: number;
}

/** Of a file, or of everything below a directory. */
export async function stampTree(path: string): Promise<TreeStamp> {
  const hash = createHash('sha256');
  let bytes = 0;
  const visit = async (at: string, name: string): Promise<void> => {
    const found = await lstat(at, { bigint: true });
    if (found.isDirectory()) {
      hash.update(`d ${name}\0`);
      const names = (await readdir(at)).sort();
      for (const child of names) await visit(join(at, child), name === '' ? child : `${name}/${child}`);
    } else {
      hash.update(`${found.isFile() ? 'f' : '?'} ${name}\0${found.size} ${found.mtimeNs}\0`);
      bytes += Number(found.size);
    }
  };
  await visit(path, '');
  return { stamp: hash.digest('hex'), bytes };
}
