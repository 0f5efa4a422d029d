import { stat } from 'node:fs/promises';
import { digest, RunPipelineError } from '@run-pipeline/core/model';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';

/** The verified bytes of an artifact: in memory when it is small, else in a file that must not be changed. */
export type ArtifactContent =
  { readonly bytes: Uint8Array; readonly size: number } | { readonly path: string; readonly size: number };

export async function findContent({ project }: ServerContext, hash: string): Promise<ArtifactContent> {
  const wanted = digest(hash);
  const bytes = await project.store.readValue(wanted);
  if (bytes !== undefined) return { bytes, size: bytes.byteLength };
  const found = await project.blobs.localPath(wanted);
  if (found.ok) return { path: found.path, size: (await stat(found.path)).size };
  if (found.reason === 'missing') {
    throw new Refusal(
      404,
      'artifact-missing',
      'the content of this artifact is not there any more',
      'run-pipeline gc removes what nothing references; running the step again brings it back.',
    );
  }
  throw new RunPipelineError({ kind: 'artifact', code: 'artifact-damaged', message: found.message });
}
