import { ARTIFACT_BYTES, type ArtifactPageQuery } from '@run-pipeline/core/wire';
import type { ArtifactRecord } from '@run-pipeline/core/model';
import { queryText } from '../data/api.js';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What every question about an artifact's content says. */
export const contentQuery = (artifact: ArtifactRecord): ArtifactPageQuery => ({
  type: artifact.type,
  codecVersion: artifact.codecVersion,
  ...(textOf(artifact.meta?.['fileName']) === undefined
    ? {}
    : { fileName: textOf(artifact.meta?.['fileName'])! }),
  ...(textOf(artifact.meta?.['mime']) === undefined ? {} : { mime: textOf(artifact.meta?.['mime'])! }),
});

/** Its bytes, as a download. */
export function downloadHref(artifact: ArtifactRecord, path?: string): string {
  const name =
    path === undefined
      ? (textOf(artifact.meta?.['fileName']) ?? artifact.name + extensionOf(artifact))
      : (path.split('/').at(-1) ?? path);
  return `${ARTIFACT_BYTES}${artifact.hash}?${queryText({ name, path })}`;
}

/** What an `<img>`, an `<audio>` or a `<video>` shows. */
export const shownHref = (artifact: ArtifactRecord, path?: string): string =>
  `${ARTIFACT_BYTES}${artifact.hash}?${queryText({ inline: '1', path })}`;

/** What a frame shows: an HTML document in a sandbox. */
export const documentHref = (artifact: ArtifactRecord, path?: string): string =>
  `${ARTIFACT_BYTES}${artifact.hash}?${queryText({ inline: 'document', path })}`;

function extensionOf(artifact: ArtifactRecord): string {
  switch (artifact.type) {
    case 'superjson':
      return '.json';
    case 'text':
      return '.txt';
    case 'arrow':
      return '.arrow';
    case 'image':
      return `.${(textOf(artifact.meta?.['mime']) ?? 'image/png').split('/')[1]?.replace('svg+xml', 'svg') ?? 'png'}`;
    default:
      return '';
  }
}
