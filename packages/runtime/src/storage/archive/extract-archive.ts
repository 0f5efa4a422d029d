import { mkdir } from 'node:fs/promises';
import { RunPipelineError } from '@run-pipeline/core/model';
import { diskFullError } from '../../artifacts/store-failure.js';
import type { ArchiveKind } from './archive-kind.js';
import { isArchive } from './archive-kind.js';
import { ArchiveRefused, ExtractedTree, type ExtractionLimits } from './extracted-tree.js';

/**
 * Extracts a zip or a tar into a new directory. The archive is not trusted: whatever is odd in it refuses it as
 * a whole, and the caller removes what was written until then.
 *
 * @throws RunPipelineError `archive-refused`, with the reason.
 */
export async function extractArchive(options: {
  readonly archive: string;
  readonly kind: ArchiveKind;
  /** For messages. */
  readonly name: string;
  readonly target: string;
  readonly limits: ExtractionLimits;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { archive, kind, name, target, limits, signal } = options;
  await mkdir(target);
  const tree = new ExtractedTree({ root: target, limits, signal });
  try {
    if (!(await isArchive(archive, kind))) throw new ArchiveRefused(`it is no ${kind} archive`);
    if (kind === 'zip') {
      const { extractZip } = await import('./extract-zip.js');
      await extractZip(archive, tree);
    } else {
      const { extractTar } = await import('./extract-tar.js');
      await extractTar(archive, tree);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw diskFullError(error, `extracting ${name}`, target) ?? refused(name, error);
  }
}

function refused(name: string, error: unknown): RunPipelineError {
  const isLimit = error instanceof ArchiveRefused && error.message.includes('more than');
  return new RunPipelineError({
    kind: 'artifact',
    code: 'archive-refused',
    message: `${name} is not extracted: ${error instanceof Error ? error.message : String(error)}`,
    help: isLimit
      ? 'if that is right, raise maxExtractedBytes or maxExtractedEntries; extractArchive: false gives the archive itself'
      : 'extractArchive: false gives the archive itself',
    cause: error,
  });
}
