import { writeSync } from 'node:fs';
import { EXIT, formatLocation, RunPipelineError } from '@run-pipeline/core/model';
import { codeFrame } from '../source/code-frame.js';
import { userStack } from '../source/user-stack.js';
import { shortPath } from './load-error.js';
import { mapToSource } from './map-to-source.js';

/**
 * What goes wrong beside the evaluation of a file, which would end the process with a raw stack or
 * with nothing: a promise of the file that nobody awaits is rejected (`void main()`), a timer throws,
 * or its top-level await waits for something that can no longer come. Rejects then; until `stop`. A
 * `process.exit()` cannot be held up: it is told, and is not success, because nothing has run.
 */
export function strayFailures(file: string): { readonly failed: Promise<never>; readonly stop: () => void } {
  let stop: () => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    const onFailure = (error: unknown): void => reject(error as Error);
    const onEmpty = (): void => reject(waitsForever(file));
    process.on('unhandledRejection', onFailure);
    process.on('uncaughtException', onFailure);
    process.on('beforeExit', onEmpty);
    const onExit = (code: number): void => tellExit(file, code);
    process.on('exit', onExit);
    stop = () => {
      process.off('unhandledRejection', onFailure);
      process.off('uncaughtException', onFailure);
      process.off('beforeExit', onEmpty);
      process.off('exit', onExit);
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

/** On the way out only what is synchronous still happens. */
function tellExit(file: string, code: number): void {
  const at = userStack(new Error(), { map: mapToSource }).at ?? { file, line: 1, column: 1 };
  const lines = [
    `✖ ${shortPath(file)} cannot be loaded: it called process.exit(${code}) before anything had run`,
    formatLocation(at, process.cwd()),
    codeFrame(at) ?? '',
    '→ remove the call, or make it after the run: `await pipe.start()`',
  ];
  process.exitCode = EXIT.load;
  try {
    writeSync(2, `${lines.filter((line) => line !== '').join('\n')}\n`);
  } catch {
    // Nobody reads it; the exit code tells.
  }
}
