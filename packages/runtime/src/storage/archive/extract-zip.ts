import { Transform } from 'node:stream';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';
import { ArchiveRefused, quoted, type ExtractedTree } from './extracted-tree.js';

/** The part of a Unix mode that says what kind of file it is. */
const KIND = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const UNIX = 3;

export async function extractZip(path: string, tree: ExtractedTree): Promise<void> {
  // `decodeStrings` checks names too; what it refuses is refused here as well, in our words.
  const zip = await openPromise(path, { autoClose: false, strictFileNames: true });
  try {
    for await (const entry of zip.eachEntry()) {
      const mode = unixMode(entry);
      const kind = mode & KIND;
      const isDirectory = entry.fileName.endsWith('/');
      if (kind !== 0 && kind !== (isDirectory ? DIRECTORY : REGULAR)) {
        throw new ArchiveRefused(
          `it holds ${quoted(entry.fileName)}, which is a link or another special file`,
        );
      }
      if (isDirectory) {
        await tree.addDirectory(entry.fileName);
        continue;
      }
      if (entry.isEncrypted()) throw new ArchiveRefused('it is protected by a password');
      await tree.addFile({
        name: entry.fileName,
        open: async () => [await zip.openReadStreamPromise(entry), checksum(entry)],
        executable: (mode & 0o111) !== 0,
      });
    }
  } finally {
    zip.close();
  }
}

/** Zero where the archive comes from a system without one. */
function unixMode(entry: Entry): number {
  return entry.versionMadeBy >>> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0;
}

/** yauzl compares sizes and leaves the checksum to its users. */
function checksum(entry: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush: (done) => {
      const isWhole = sum === entry.crc32;
      done(isWhole ? null : new ArchiveRefused(`the checksum of ${quoted(entry.fileName)} is wrong`));
    },
  });
}
