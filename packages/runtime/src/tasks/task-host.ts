import type { ErrorRecord, SourceLocation, TaskPackage } from '@run-pipeline/core/model';
import type { PackagePlace, Project, ProjectPaths } from '../project/project.js';

/**
 * What `Task` needs of the rest of run-pipeline and does not import, so that a script that imports
 * 'run-pipeline' loads it only when it is used: the store, the packager, the recorder of a script's own task.
 */
export interface TaskHost {
  /** False where a file is only looked at (`plan`, `check`): no task is started there. */
  readonly mayStart: boolean;
  /** Opened once a home and kept open; default: the project of the current directory. */
  open(paths?: ProjectPaths): Promise<Project>;
  /** For every machine that executes tasks of the project. */
  packageScript(request: {
    readonly paths: PackagePlace;
    readonly file: string;
    readonly assets: readonly string[];
  }): Promise<TaskPackage>;
  /** From an executed place to the user's source. */
  toSource(): Promise<(place: SourceLocation) => SourceLocation>;
  errorRecords(): Promise<(thrown: unknown, cwd: string) => ErrorRecord>;
  /** The entry of the thread that records a script's own task. */
  readonly recorder: URL;
}

// On globalThis: a program may load this package twice, as ESM and as CommonJS.
const HOST = Symbol.for('run-pipeline.task-host');
type Holder = { [HOST]?: TaskHost };

export const hasTaskHost = (): boolean => (globalThis as Holder)[HOST] !== undefined;

export function setTaskHost(host: TaskHost): void {
  (globalThis as Holder)[HOST] = host;
}

export function taskHost(): TaskHost {
  const host = (globalThis as Holder)[HOST];
  if (host === undefined) throw new Error("tasks cannot be reached here: import Task from 'run-pipeline'");
  return host;
}
