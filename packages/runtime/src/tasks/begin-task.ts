import { RunPipelineError, type SourceLocation } from '@run-pipeline/core/model';
import { findCurrentTask, liveTaskOf, type CurrentTask } from '../task/index.js';
import { scriptStarting, setScriptHere } from './script-here.js';
import { taskHost } from './task-host.js';
import { DEFAULT_TYPE, readOptions, type TaskInitOptions } from './task-options.js';

const OPTIONS = ['project', 'name', 'type', 'tags', 'comment', 'assets', 'source'] as const;

/** `Task.init`: the task that this code runs as already, or a new one of this script. */
export async function beginTask(
  options: TaskInitOptions,
  at: SourceLocation | undefined,
): Promise<CurrentTask> {
  const reader = readOptions('Task.init()', options, OPTIONS, at);
  const task = {
    project: reader.requiredString('project'),
    name: reader.requiredString('name'),
    type: reader.type() ?? DEFAULT_TYPE,
    tags: reader.strings('tags') ?? [],
    comment: reader.comment() ?? '',
    assets: reader.strings('assets') ?? [],
  };
  const place = { call: at, source: reader.source() };
  // Nothing is awaited between this look and `setScriptHere`: two calls at once start one task.
  const starting = scriptStarting();
  if (starting !== undefined) await starting;
  const running = findCurrentTask();
  if (running !== undefined) {
    if (liveTaskOf(running)?.place === 'process') requireSame(running, task, at);
    return running;
  }
  const host = taskHost();
  if (!host.mayStart) throw notHere(at);
  const script = await setScriptHere(
    import('./start-script.js').then(({ startScript }) => startScript(host, task, place)),
  );
  return script.current;
}

function requireSame(
  running: CurrentTask,
  wanted: { readonly project: string; readonly name: string },
  at: SourceLocation | undefined,
): void {
  if (running.project === wanted.project && running.name === wanted.name) return;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'another-task',
    message: `Task.init: this process is the task ${running.project}/${running.name} already`,
    at,
    help: 'a process is one task at a time: await task.close() ends the first one',
  });
}

const notHere = (at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'task-in-definition',
    message: 'Task.init cannot be called here: the file is looked at as the definition of a pipeline',
    at,
    help: 'call it in a script of its own (npx tsx script.ts), or move it into a step',
  });
