import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Parser, type ReadEntry } from 'tar';
import { ArchiveRefused, quoted, type ExtractedTree } from './extracted-tree.js';

const FILES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);
const DIRECTORIES: ReadonlySet<string> = new Set(['Directory', 'GNUDumpDir']);

/**
 * Reads a tar, also one packed by gzip. Only the parser of `tar` is used: what is written where is decided by
 * the tree alone.
 */
export async function extractTar(path: string, tree: ExtractedTree): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  let adding: Promise<void> = Promise.resolve();
  const fail = (error: unknown): void => {
    failure ??= { error };
  };
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      adding = adding.then(async () => {
        // What is not read any more must flow by, or the parser would wait for ever.
        if (failure === undefined) await add(entry, tree).catch(fail);
        entry.resume();
      });
    },
  });
  parser.on('ignoredEntry', (entry: ReadEntry) => fail(special(entry)));
  const ended = Promise.race([
    once(parser, 'end'),
    new Promise((resolve) => {
      parser.on('error', (error) => {
        fail(plain(error));
        resolve(undefined);
      });
    }),
  ]);
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    for await (const chunk of source) {
      if (failure !== undefined) break;
      if (!parser.write(chunk as Buffer)) await Promise.race([once(parser, 'drain'), ended]);
    }
    if (failure === undefined) {
      parser.end();
      await ended;
    }
  } finally {
    source.destroy();
  }
  await adding;
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}

async function add(entry: ReadEntry, tree: ExtractedTree): Promise<void> {
  if (DIRECTORIES.has(entry.type)) {
    await tree.addDirectory(entry.path);
  } else if (FILES.has(entry.type)) {
    const open = async (): Promise<[Readable]> =>
      Promise.resolve([Readable.from(entry as AsyncIterable<Buffer>, { objectMode: false })]);
    const executable = ((entry.mode ?? 0) & 0o111) !== 0;
    await tree.addFile({ name: entry.path, open, executable });
  } else {
    throw special(entry);
  }
}

const special = (entry: ReadEntry): ArchiveRefused =>
  new ArchiveRefused(`it holds ${quoted(entry.path)}, which is a link or another special file`);

/** Without `TAR_BAD_ARCHIVE:` before the words. */
const plain = (error: Error): Error => new ArchiveRefused(error.message.replace(/^TAR_[A-Z_]+: /, ''));
