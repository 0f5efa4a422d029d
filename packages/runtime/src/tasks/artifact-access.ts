import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RunPipelineError, type StoredArtifact } from '@run-pipeline/core/model';
import { decodeValue } from '../artifacts/index.js';
import type { Project } from '../project/project.js';
import type { ArtifactAccess } from './task-artifact.js';

/** How an artifact of a task that is in the store is read. */
export function storedAccess(project: Project, artifact: StoredArtifact): ArtifactAccess {
  const { record, inline } = artifact;
  return {
    read: async () =>
      decodeValue(
        {
          codec: record.type,
          codecVersion: record.codecVersion,
          hash: record.hash,
          ...(inline !== undefined && { inline }),
          ...(record.meta !== undefined && { meta: record.meta }),
        },
        { blobs: project.blobs, directory: scratchPath(project) },
      ),
    bytes: () => storedBytes(project, artifact),
    directory: () => scratchOf(project),
  };
}

export async function storedBytes(project: Project, { record, inline }: StoredArtifact): Promise<Uint8Array> {
  if (inline !== undefined) return inline;
  const read = await project.blobs.read(record.hash);
  if (read.ok) return read.bytes;
  throw new RunPipelineError({
    kind: 'artifact',
    code: `artifact-${read.reason}`,
    message: `the artifact ${record.name} cannot be read: ${read.message}`,
  });
}

/** Local copies; `gc` removes them. */
const scratchPath = ({ home }: Project): string => join(home, 'tmp', `task-${process.pid}-${randomUUID()}`);

export async function scratchOf(project: Project): Promise<string> {
  const directory = scratchPath(project);
  await mkdir(directory, { recursive: true });
  return directory;
}
