import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { isRunPipelineError, RunPipelineError, type StoredArtifact } from '@run-pipeline/core/model';
import { artifactIdentity, decodeValue, encodeValue, hashValue } from '../../artifacts/index.js';
import { hashOf } from '../../fingerprint/index.js';
import type { Project } from '../../project/project.js';

/** The few places where the controller itself touches values: literals, paths into values, lists to split. */
export async function encodeLiteral(project: Project, value: unknown): Promise<StoredArtifact> {
  return encodeValue(value, { name: 'input', blobs: project.blobs, now: new Date(), cwd: project.cwd });
}

/** A private decode: nobody shares what it returns. What cannot be read is an error that names it. */
export async function decodeStored(
  project: Pick<Project, 'blobs' | 'home'>,
  artifact: StoredArtifact,
  /** Where local copies of files go; default: one of its own, removed by `gc`. */
  directory = scratch(project),
): Promise<unknown> {
  const { record, inline } = artifact;
  try {
    return await decodeValue(
      {
        codec: record.type,
        codecVersion: record.codecVersion,
        hash: record.hash,
        ...(inline === undefined ? {} : { inline }),
        ...(record.meta === undefined ? {} : { meta: record.meta }),
      },
      { blobs: project.blobs, directory },
    );
  } catch (error) {
    if (!isRunPipelineError(error)) throw error;
    const { kind, code, message, help } = error;
    throw new RunPipelineError({
      kind,
      code,
      message: `the artifact ${record.name} cannot be read: ${message}`,
      help,
      cause: error,
    });
  }
}

/** Where a decode puts local copies of files, if it has any: made by the codec, removed by `gc`. */
function scratch(project: Pick<Project, 'home'>): string {
  return join(project.home, 'tmp', `values-${process.pid}-${randomUUID()}`);
}

/** What a value is, without storing it: equal identities decode to equal values. */
export async function identityOf(project: Project, value: unknown): Promise<string> {
  if (value === undefined) return 'undefined';
  return hashOf('value', artifactIdentity(await hashValue(value, { path: 'input', cwd: project.cwd })));
}

export const storedIdentity = ({ record }: StoredArtifact): string =>
  hashOf('value', artifactIdentity(record));
