import { RunPipelineError } from '@run-pipeline/core/model';

/**
 * What goes wrong beside the evaluation of a file, which would end the process with a raw stack or
 * with nothing: a promise of the file that nobody awaits is rejected (`void main()`), a timer throws,
 * or its top-level await waits for something that can no longer come. Rejects then; until `stop`.
 */
export function strayFailures(file: string): { readonly failed: Promise<never>; readonly stop: () => void } {
  let stop: () => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    const onFailure = (error: unknown): void => reject(error as Error);
    const onEmpty = (): void => reject(waitsForever(file));
    process.on('unhandledRejection', onFailure);
    process.on('uncaughtException', onFailure);
    process.on('beforeExit', onEmpty);
    stop = () => {
      process.off('unhandledRejection', onFailure);
      process.off('uncaughtException', onFailure);
      process.off('beforeExit', onEmpty);
    };
  });
  failed.catch(() => {}); // heard by whoever races it, or too late to matter
  return { failed, stop };
}

const waitsForever = (file: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'load',
    code: 'evaluation-stuck',
    message: 'the file never came to its end: a top-level await waits for something that does not come',
    at: { file, line: 1, column: 1 },
    help: 'look for an `await` of a promise that is never settled',
  });
