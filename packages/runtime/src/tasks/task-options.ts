import type { Duration } from '@run-pipeline/core/define';
import { describeValue, OptionReader } from '@run-pipeline/core/define';
import {
  OWN_TASK_STATUSES,
  TASK_TYPES,
  type SourceLocation,
  type TaskStatus,
  type TaskType,
} from '@run-pipeline/core/model';

export const DEFAULT_TYPE: TaskType = 'training';

/** Of `Task.init`. */
export interface TaskInitOptions {
  /** Tasks are found by project and name. */
  readonly project: string;
  readonly name: string;
  /** Default `training`. */
  readonly type?: TaskType;
  readonly tags?: readonly string[];
  readonly comment?: string;
  /** Files that the script reads and agents need: globs or paths relative to the script. */
  readonly assets?: readonly string[];
  /** The script's source file, when it cannot be told from what `node` was started with: `import.meta.url`. */
  readonly source?: string | URL;
}

/** Of `Task.create`. */
export interface TaskCreateOptions {
  readonly project: string;
  readonly name: string;
  /** A TypeScript or JavaScript file; relative to the current directory. */
  readonly script: string;
  /** Default `training`. */
  readonly type?: TaskType;
  readonly tags?: readonly string[];
  readonly comment?: string;
  /** By `Section/name`; a name alone is one of the section `General`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly configurations?: Readonly<Record<string, unknown>>;
  readonly assets?: readonly string[];
}

/** Of `Task.get`: of several of one name the newest that is not a step of a run. */
export type TaskLookUp = { readonly id: string } | { readonly project: string; readonly name: string };

/** Of `Task.query`; what is left out does not matter. */
export interface TaskSearch {
  readonly project?: string;
  readonly name?: string;
  /** All of them. */
  readonly tags?: readonly string[];
  readonly status?: TaskStatus | readonly TaskStatus[];
  readonly type?: TaskType | readonly TaskType[];
  /** Clones of this task. */
  readonly parent?: string;
  /** Default false: steps of runs are left out. */
  readonly steps?: boolean;
  /** Default 100. */
  readonly limit?: number;
}

/** What a clone has of its own; the rest is its source's. */
export interface TaskCloneChanges {
  /** Default: `Clone of …`. */
  readonly name?: string;
  readonly project?: string;
  readonly comment?: string;
  readonly tags?: readonly string[];
  /** By `Section/name`; over those of the source. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly configurations?: Readonly<Record<string, unknown>>;
}

export interface TaskEnqueueOptions {
  /** Default `default`. */
  readonly queue?: string;
  /** Higher is sooner; a whole number; default 0. */
  readonly priority?: number;
  /** What it needs of an agent: `{ gpu: 1 }`. Default: as when it was enqueued last, at first nothing. */
  readonly resources?: Readonly<Record<string, number>>;
}

/** Of `task.waitForStatus`. */
export interface WaitOptions {
  /** Rejects with `TaskFailed` when the task comes to one of these instead. Default `failed`. */
  readonly raiseOn?: readonly TaskStatus[];
  /** Rejects after so long: milliseconds, or `'10m'`. Default: it waits. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

const STATUSES = [...OWN_TASK_STATUSES, 'cached', 'skipped'] as const satisfies readonly TaskStatus[];

/** The door of what `Task` is given. */
export class TaskOptionReader extends OptionReader {
  type(): TaskType | undefined {
    return this.oneOf('type', TASK_TYPES);
  }

  types(): readonly TaskType[] | undefined {
    return this.#several('type', TASK_TYPES);
  }

  statuses(key: string): readonly TaskStatus[] | undefined {
    return this.#several(key, STATUSES);
  }

  /** An empty one is a comment, too. */
  comment(): string | undefined {
    const value = this.raw('comment');
    if (value === undefined || typeof value === 'string') return value;
    throw this.error('option-type', `takes a text as "comment", not ${describeValue(value)}`);
  }

  source(): string | undefined {
    const value = this.raw('source');
    if (value === undefined) return undefined;
    if (value instanceof URL || (typeof value === 'string' && value !== '')) return String(value);
    throw this.error('option-type', 'takes import.meta.url or an absolute path as "source"');
  }

  #several<const Choice extends string>(
    key: string,
    choices: readonly Choice[],
  ): readonly Choice[] | undefined {
    const value = this.raw(key);
    if (!Array.isArray(value)) {
      const one = this.oneOf(key, choices);
      return one === undefined ? undefined : [one];
    }
    for (const item of value as readonly unknown[]) {
      if (choices.includes(item as Choice)) continue;
      const list = choices.map((choice) => `'${choice}'`).join(', ');
      throw this.error('option-type', `takes ${list} in "${key}", not ${describeValue(item)}`);
    }
    return value as readonly Choice[];
  }
}

export const readOptions = (
  what: string,
  values: unknown,
  known: readonly string[],
  at: SourceLocation | undefined,
): TaskOptionReader => new TaskOptionReader({ what, values, known, at });
