import { rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { hashFile } from '../artifacts/sha256.js';
import { archiveKind, withoutExtension, type ArchiveKind } from './archive/archive-kind.js';
import { extractArchive } from './archive/extract-archive.js';
import { entryId, type StorageCache } from './cache/storage-cache.js';
import { indexKey, readKnown, writeKnown, type KnownContent } from './cache/url-index.js';
import { download } from './remote/download.js';
import { Progress } from './remote/progress.js';
import type { Remote, Validators } from './remote/remote.js';
import type { StallGuard } from './remote/stall-guard.js';
import type { ResolvedOptions } from './storage-options.js';

export interface CopyContext {
  readonly cache: StorageCache;
  /** Of the cache. */
  readonly directory: string;
  readonly task: string | undefined;
  readonly options: ResolvedOptions;
  readonly write: (line: string) => void;
}

/** Content by name: what a copy is made from. */
interface Content {
  readonly hash: Digest;
  readonly fileName: string;
}

/** What is asked for of a file: itself, or what it holds. */
function wantedKind(fileName: string, options: ResolvedOptions): ArchiveKind | undefined {
  return options.extractArchive ? archiveKind(fileName) : undefined;
}

export const isExtracted = (path: string, options: ResolvedOptions): boolean =>
  wantedKind(basename(path), options) !== undefined;

/** A file of this machine is its own copy; an archive is extracted once for each content it has. */
export async function copyOfFile(path: string, context: CopyContext): Promise<string> {
  const fileName = basename(path);
  return copyOfContent({ hash: await hashOfFile(path, context), fileName }, path, context);
}

interface HashedFile {
  readonly hash: Digest;
  readonly state: string;
}

/** A file that was changed within this time may change again without showing it (INVARIANTS 5). */
const SETTLED_NS = 2_000_000_000n;

/** Read again only when it may have changed. */
async function hashOfFile(path: string, { directory }: CopyContext): Promise<Digest> {
  const key = indexKey(`file ${path}`);
  const before = await stat(path, { bigint: true });
  const state = [before.ino, before.size, before.mtimeNs, before.ctimeNs].join(' ');
  const isSettled = before.mtimeNs + SETTLED_NS < BigInt(Date.now()) * 1_000_000n;
  const known = await readKnown<HashedFile>(directory, key);
  if (known?.state === state) return known.hash;
  const { hash } = await hashFile(path);
  if (isSettled) await writeKnown(directory, key, { hash, state } satisfies HashedFile);
  return hash;
}

/** What is elsewhere is downloaded when it is not here, or no longer what is there. */
export async function copyOfRemote(
  remote: Remote,
  source: { readonly key: string; readonly stall: StallGuard },
  context: CopyContext,
): Promise<string> {
  const { cache, directory, options } = context;
  const key = indexKey(source.key);
  if (!options.validate && !options.forceDownload) {
    const known = await readKnown(directory, key);
    const path = known === undefined ? undefined : await findCopy(known, context);
    if (path !== undefined) return path;
  }
  // What another caller brought may have been removed again before it was ours.
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = Date.now();
    await cache.once({
      key,
      // Another caller's answer is as good as one of our own, if it came after we asked.
      isDone: async () => ((await readKnown(directory, key))?.checkedAt ?? 0) > began,
      signal: options.signal,
      work: async () => {
        const known = options.forceDownload ? undefined : await readKnown(directory, key);
        const isHere = known !== undefined && (await isPresent(known, context));
        await fetchContent(remote, { ...source, key }, isHere ? known : undefined, context);
      },
    });
    const path = await findCopy((await readKnown(directory, key))!, context);
    if (path !== undefined) return path;
  }
  throw new RunPipelineError({
    kind: 'store',
    code: 'storage-cache',
    message: `copies of ${remote.shown} do not stay in ${directory}`,
    help: 'something removes or changes its files: look for a program that cleans up there, or move the state with RUN_PIPELINE_HOME',
  });
}

const ROUNDS = 5;

const fileId = ({ hash, fileName }: Content): string => entryId('file', hash, fileName);
const extractedId = ({ hash, fileName }: Content): string => entryId('extracted', hash, fileName);

/** Can the form that is asked for be had without the server? */
async function isPresent(content: Content, { cache, task, options }: CopyContext): Promise<boolean> {
  if ((await cache.use(fileId(content), task)) !== undefined) return true;
  const kind = wantedKind(content.fileName, options);
  return kind !== undefined && (await cache.use(extractedId(content), task)) !== undefined;
}

/** In the form that is asked for; an archive that is here is extracted. */
async function findCopy(content: Content, context: CopyContext): Promise<string | undefined> {
  const file = async (): Promise<string | undefined> => context.cache.use(fileId(content), context.task);
  const kind = wantedKind(content.fileName, context.options);
  return kind === undefined ? file() : extracted({ content, kind, archive: file, context });
}

/** Of content that is in a file of the cache by now. */
export async function copyOfContent(content: Content, file: string, context: CopyContext): Promise<string> {
  const kind = wantedKind(content.fileName, context.options);
  if (kind === undefined) return file;
  return extracted({ content, kind, archive: async () => Promise.resolve(file), context });
}

async function fetchContent(
  remote: Remote,
  source: { readonly key: string; readonly stall: StallGuard },
  known: KnownContent | undefined,
  { cache, directory, task, options, write }: CopyContext,
): Promise<void> {
  const progress = new Progress({ what: `downloading ${remote.shown}`, write });
  try {
    await cache.scratch(async (work) => {
      const target = join(work, 'download');
      const downloaded = await download({
        remote,
        known: known === undefined ? undefined : usable(known.validators),
        target,
        stall: source.stall,
        retry: options.retry,
        progress,
        signal: options.signal,
      });
      const checkedAt = Date.now();
      if (downloaded.kind === 'same') {
        await writeKnown(directory, source.key, { ...known, checkedAt });
        return;
      }
      const { hash, size, fileName, validators } = downloaded;
      const id = fileId({ hash, fileName });
      if ((await cache.use(id, task)) === undefined) {
        await cache.add({ id, name: fileName, task, build: async (path) => rename(target, path) });
      }
      const content: KnownContent = { hash, size, fileName, validators, checkedAt };
      await writeKnown(directory, source.key, content);
    });
  } finally {
    progress.end();
  }
}

/** A size alone says nothing. */
const usable = (validators: Validators): Validators | undefined =>
  validators.etag === undefined && validators.lastModified === undefined ? undefined : validators;

/** The directory that an archive becomes, which is made once; undefined: the archive is not here. */
async function extracted<Archive extends string | undefined>(options: {
  readonly content: Content;
  readonly kind: ArchiveKind;
  readonly archive: () => Promise<Archive>;
  readonly context: CopyContext;
}): Promise<string | Archive> {
  const { content, kind, context } = options;
  const { cache, task } = context;
  const { signal, maxExtractedBytes, maxExtractedEntries } = context.options;
  const name = withoutExtension(content.fileName);
  const id = extractedId(content);
  const present = await cache.use(id, task);
  if (present !== undefined) return present;
  const archive = await options.archive();
  if (archive === undefined) return archive;
  const { size } = await stat(archive);
  const limits = {
    bytes: maxExtractedBytes ?? Math.max(LEAST_BYTES, size * EXPANSION),
    entries: maxExtractedEntries,
  };
  const made = await cache.once({
    key: id,
    isDone: async () => (await cache.use(id, task)) !== undefined,
    signal,
    work: async () =>
      cache.add({
        id,
        name,
        task,
        build: async (target) =>
          extractArchive({ archive, kind, name: content.fileName, target, limits, signal }),
      }),
  });
  return made ?? extracted(options);
}

const LEAST_BYTES = 1024 ** 3;
const EXPANSION = 100;
