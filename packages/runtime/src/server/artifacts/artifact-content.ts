import { stat } from 'node:fs/promises';
import { digest, RunPipelineError } from '@run-pipeline/core/model';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';

/** The verified bytes of an artifact: in memory when it is small, else in a file that must not be changed. */
export type ArtifactContent =
  { readonly bytes: Uint8Array; readonly size: number } | { readonly path: string; readonly size: number };

/** One whose whole is far away, part by part, as it is wanted. Parts are not verified. */
export interface PartsOfContent {
  readonly read: (part: { readonly offset: number; readonly size: number }) => Promise<Uint8Array>;
  readonly size: number;
}

/** From this size on nobody waits for a whole film to see a minute of it. */
const LARGE = 64 * 1024 * 1024;

/** For showing a part of it to somebody; undefined: it is small, or here, and is better read as a whole. */
export async function findParts(
  { project }: ServerContext,
  hash: string,
): Promise<PartsOfContent | undefined> {
  const { blobs } = project;
  if (blobs.readPart === undefined) return undefined;
  const found = await blobs.stat(digest(hash));
  if (found === undefined || found.size < LARGE) return undefined;
  return {
    size: found.size,
    async read(part) {
      const bytes = await blobs.readPart!(digest(hash), part);
      if (bytes === undefined) throw contentMissing();
      return bytes;
    },
  };
}

export async function findContent({ project }: ServerContext, hash: string): Promise<ArtifactContent> {
  const wanted = digest(hash);
  const bytes = await project.store.readValue(wanted);
  if (bytes !== undefined) return { bytes, size: bytes.byteLength };
  const found = await project.blobs.localPath(wanted);
  if (found.ok) return { path: found.path, size: (await stat(found.path)).size };
  if (found.reason === 'missing') throw contentMissing();
  throw new RunPipelineError({ kind: 'artifact', code: 'artifact-damaged', message: found.message });
}

const contentMissing = (): Refusal =>
  new Refusal(
    404,
    'artifact-missing',
    'the content of this artifact is not there any more',
    'run-pipeline gc removes what nothing references; running the step again brings it back.',
  );
