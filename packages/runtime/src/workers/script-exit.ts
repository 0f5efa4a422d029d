import { RunPipelineError } from '@run-pipeline/core/model';
import { runAsTask, type CurrentTask } from '../task/index.js';

/**
 * The end of a script, as Node would give it to a program: its own `exit` listeners are called, and an exit
 * code that it set counts. Made before the script runs.
 */
export class ScriptExit {
  readonly #before = new Set(process.rawListeners('exit'));

  /** @throws when the script has set an exit code other than 0 */
  ended(task: CurrentTask): void {
    const code = Number(process.exitCode ?? 0);
    for (const listener of process.rawListeners('exit')) {
      if (!this.#before.has(listener))
        runAsTask(task, () => Reflect.apply(listener, process, [code]) as unknown);
    }
    const last = Number(process.exitCode ?? 0);
    if (last === 0) return;
    throw Object.defineProperty(
      new RunPipelineError({
        kind: 'run',
        code: 'process-exit',
        message: `the script ended with exit code ${last}`,
      }),
      'name',
      { value: 'ProcessExit' },
    );
  }
}
