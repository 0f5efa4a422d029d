import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredArtifact } from '@run-pipeline/core/model';
import { decodeValue, encodeValue, hashDirectory, hashFile } from '../artifacts/index.js';
import { hashOf } from '../fingerprint/index.js';
import type { Project } from '../project/project.js';

/** The few places where the controller itself touches values: literals, paths into values, lists to split. */
export async function encodeLiteral(project: Project, value: unknown): Promise<StoredArtifact> {
  return encodeValue(value, { name: 'input', blobs: project.blobs });
}

/** A private decode: nobody shares what it returns. */
export async function decodeStored(project: Project, artifact: StoredArtifact): Promise<unknown> {
  const { record, inline } = artifact;
  return decodeValue(
    {
      codec: record.type,
      codecVersion: record.codecVersion,
      hash: record.hash,
      ...(inline === undefined ? {} : { inline }),
      ...(record.meta === undefined ? {} : { meta: record.meta }),
    },
    { blobs: project.blobs, directory: await scratch(project) },
  );
}

async function scratch(project: Project): Promise<string> {
  const parent = join(project.home, 'tmp');
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, `values-${process.pid}-`));
}

/** Content and name of what lies at a path: what a `file()` input stands for in a fingerprint. */
export async function identityOfPath(path: string, isDirectory: boolean): Promise<{ readonly hash: string }> {
  const content = isDirectory ? await hashDirectory(path) : await hashFile(path);
  const name = path.replace(/[\\/]+$/, '').split(/[\\/]/).pop() ?? path;
  return { hash: hashOf(isDirectory ? 'directory' : 'file', [name, String(content)]) };
}
