import type { SourceLocation } from '@run-pipeline/core/model';
import { programFile } from './program-file.js';
import { ScriptTask } from './script-task.js';
import type { NewScriptTask } from './recorder-protocol.js';
import type { TaskHost } from './task-host.js';

/** Makes the script that this process executes a task. */
export async function startScript(
  host: TaskHost,
  task: Omit<NewScriptTask, 'cwd' | 'env' | 'file'>,
  place: { readonly call: SourceLocation | undefined; readonly source: string | undefined },
): Promise<ScriptTask> {
  // Loaded before it is needed: an error ends the process without waiting for an import.
  const [toSource, errorRecord] = await Promise.all([host.toSource(), host.errorRecords()]);
  return ScriptTask.start({
    ...task,
    cwd: process.cwd(),
    file: programFile({ ...place, program: process.argv[1], toSource }),
    recorder: host.recorder,
    errorRecord,
  });
}
