import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { RunPipelineError, type ArtifactRecord, type Digest } from '@run-pipeline/core/model';
import { unpackDirectory } from '../artifacts/directory-archive.js';
import { isSafeFileName } from '../artifacts/file-name.js';
import type { Project } from '../project/project.js';
import { liveTask } from '../task/live-task.js';
import { entryId } from './cache/storage-cache.js';
import { copyOfContent, type CopyContext } from './copies.js';

/**
 * An artifact as a file: what `file()` and `directory()` stored as they were, anything else as its encoded
 * bytes. The url names the content; its name comes from the task that produced it last.
 */
export async function copyOfArtifact(
  hash: Digest,
  open: () => Promise<Project>,
  context: CopyContext,
): Promise<string> {
  const { cache, task } = context;
  const project = await open();
  try {
    const found = await findArtifact(hash, project);
    const isDirectory = found.record?.type === 'directory';
    const fileName = nameOf(found.record);
    const id = entryId(isDirectory ? 'directory' : 'file', hash, fileName);
    const path =
      (await cache.use(id, task)) ??
      (await cache.add({
        id,
        name: fileName,
        task,
        build: async (target) => writeContent(found, target, isDirectory),
      }));
    return isDirectory ? path : await copyOfContent({ hash, fileName }, path, context);
  } finally {
    await project.close();
  }
}

interface FoundArtifact {
  readonly record: ArtifactRecord | undefined;
  readonly content: Uint8Array | { readonly path: string };
}

async function findArtifact(hash: Digest, project: Project): Promise<FoundArtifact> {
  // What the running task has uploaded itself may not be committed yet.
  const own = [...(liveTask()?.uploaded().values() ?? [])].find((each) => each.record.hash === hash);
  const record = own?.record ?? (await project.store.describeArtifact(hash));
  const inline = own?.inline ?? (await project.store.readValue(hash));
  if (inline !== undefined) return { record, content: inline };
  const blob = await project.blobs.localPath(hash);
  if (blob.ok) return { record, content: { path: blob.path } };
  throw new RunPipelineError({
    kind: 'artifact',
    code: blob.reason === 'missing' ? 'storage-missing' : 'artifact-damaged',
    message:
      blob.reason === 'missing'
        ? `there is no artifact with the content ${hash} in ${project.home}`
        : `the content of the artifact ${hash} in ${project.home} is damaged`,
    help: 'run the step again that made it (--refresh)',
  });
}

/** Whether there is one, and how large it is. */
export async function artifactSize(hash: Digest, project: Project): Promise<number | undefined> {
  const own = [...(liveTask()?.uploaded().values() ?? [])].find((each) => each.record.hash === hash);
  if (own !== undefined) return own.record.size;
  return (await project.store.readValue(hash))?.byteLength ?? (await project.blobs.stat(hash))?.size;
}

async function writeContent(
  { record, content }: FoundArtifact,
  path: string,
  isDirectory: boolean,
): Promise<void> {
  const mode = record?.meta?.['executable'] === true ? 0o555 : 0o444;
  if (!('path' in content)) {
    if (!isDirectory) return writeFile(path, content, { mode });
    const archive = `${path}.archive`;
    await writeFile(archive, content);
    await mkdir(path);
    await unpackDirectory(archive, path);
    await rm(archive);
    return;
  }
  if (isDirectory) {
    await mkdir(path);
    await unpackDirectory(content.path, path);
    return;
  }
  // A reflink where the file system has them; never a hard link, through which a write would reach the store.
  await copyFile(content.path, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await chmod(path, mode);
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  superjson: '.json',
  text: '.txt',
  bytes: '.bin',
  arrow: '.arrow',
};

/** `iris.csv` of a file; `rows.json` of a value. */
function nameOf(record: ArtifactRecord | undefined): string {
  if (record === undefined) return 'artifact';
  const fileName = record.meta?.['fileName'];
  if (isSafeFileName(fileName)) return fileName;
  const name = `${record.name.replace(/[^\w.-]/g, '_')}${EXTENSIONS[record.type] ?? ''}`;
  return isSafeFileName(name) ? name : 'artifact';
}
