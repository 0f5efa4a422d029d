import { RunPipelineError, type SourceLocation } from '@run-pipeline/core/model';
import type { Project } from '../project/project.js';
import { findCurrentTask, liveTaskOf, markUncacheable, type LiveTask } from '../task/index.js';
import { taskHost } from './task-host.js';

/**
 * The project whose tasks are reached from here: of the task that this code runs as, else of the current
 * directory. What a step reads there is no input of it, so its result is not cached (INVARIANTS 3).
 */
export async function reachProject(call: string, at: SourceLocation | undefined): Promise<Project> {
  const state = stateHere();
  if (state === 'none') {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-project-state',
      message: `${call}: the project's tasks cannot be reached from here`,
      at,
    });
  }
  markUncacheable(`it reads through ${call}`);
  return taskHost().open(state);
}

function stateHere(): LiveTask['state'] | 'none' {
  const current = findCurrentTask();
  return current === undefined ? undefined : (liveTaskOf(current)?.state ?? 'none');
}
