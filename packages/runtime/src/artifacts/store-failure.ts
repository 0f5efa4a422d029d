import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';

/** That a disk is full is said as such wherever it happens. */
export function diskFullError(
  error: unknown,
  doing: string,
  directory: string,
): RunPipelineError | undefined {
  const known = blobStoreError(error, doing, directory);
  return isRunPipelineError(known) && known.code === 'disk-full' ? known : undefined;
}

/** What a file system error means for the user: a full disk, a read-only place, or what it says. */
export function blobStoreError(error: unknown, doing: string, directory: string): unknown {
  if (isRunPipelineError(error)) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new RunPipelineError({
        kind: 'store',
        code: 'disk-full',
        message: `no space left while ${doing} in ${directory}`,
        help: 'Free some space (run-pipeline gc removes what no run needs).',
        cause: error,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new RunPipelineError({
        kind: 'store',
        code: 'read-only',
        message: `no permission while ${doing} in ${directory} (${code})`,
        help: 'Make the directory writable, or put the state elsewhere with RUN_PIPELINE_HOME.',
        cause: error,
      });
    case undefined:
      return error;
    default:
      return new RunPipelineError({
        kind: 'store',
        code: 'blob-store',
        message: `${doing} in ${directory} failed: ${(error as Error).message}`,
        cause: error,
      });
  }
}
