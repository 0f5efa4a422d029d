import type { ErrorRecord } from './errors.js';
import type { Digest, RunId, StepName, TaskId } from './ids.js';
import type { Resources } from './resources.js';
import type { TaskStatus } from './status.js';

/**
 * A task as a record of its own: what `Task.init` makes, what a template is, what a step that executes
 * a template leaves. A step that calls a function is a task too (its id is `RUN.STEP`), known by the
 * events of its run alone.
 */
export interface TaskRecord {
  readonly id: TaskId;
  readonly project: string;
  readonly name: string;
  readonly type: TaskType;
  readonly status: TaskStatus;
  readonly tags: readonly string[];
  readonly comment: string;
  /** The task that this one was cloned from. */
  readonly parent: TaskId | undefined;
  /** The run that this task is a step (or the controller) of. */
  readonly run: RunId | undefined;
  readonly step: StepName | undefined;
  /** Undefined: there is nothing that an agent could execute. */
  readonly script: TaskScript | undefined;
  readonly parameters: TaskParameters;
  readonly configurations: TaskConfigurations;
  /** 0 to 100. */
  readonly progress: number | undefined;
  /** Where it waits, or waited last. */
  readonly queue: string | undefined;
  /** Higher is sooner; default 0. */
  readonly priority: number;
  /** What it needs of an agent: `{ gpu: 1 }`. */
  readonly resources: Resources;
  /** Executions so far; 0: it never ran. */
  readonly attempt: number;
  /** ISO times of the store's clock. */
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly error: ErrorRecord | undefined;
  /** It counts as running, but nobody has been heard of for longer than the lease. */
  readonly leaseExpired: boolean;
}

/** What a task is for; tells nothing to the machine. */
export type TaskType = (typeof TASK_TYPES)[number];
export const TASK_TYPES = [
  'training',
  'testing',
  'inference',
  'data_processing',
  'application',
  'monitor',
  'controller',
  'optimizer',
  'service',
  'qc',
  'custom',
] as const;

/** Where a task's code comes from. */
export interface TaskScript {
  /** `examples/step1.ts`, relative to the project's root. */
  readonly file: string;
  /** The task package (entry `script`); absent for the controller of a pipeline. */
  readonly package?: Digest;
  /** Of a controller: the stored launch (the pipeline's file, packages, options), a value of the store. */
  readonly launch?: Digest;
  /** Direct npm dependencies: name to exact version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** `20.20.0`. */
  readonly node: string;
  readonly git?: GitState;
}

export interface GitState {
  readonly commit: string;
  readonly branch?: string;
  /** Without credentials. */
  readonly remote?: string;
  /** Tracked files differ from the commit. */
  readonly dirty: boolean;
  /** Text of `git diff HEAD`, as a value of the store; cut at 1 MiB. */
  readonly diff?: Digest;
}

/** A value as superjson keeps it: `json`, and `meta` where plain JSON does not tell everything. */
export interface EncodedValue {
  readonly json: unknown;
  readonly meta?: unknown;
}

export interface TaskParameter extends EncodedValue {
  /** It was given as text (`--arg`): `connect` understands it as the type of the default it meets. */
  readonly text?: true;
}

/** By section (`General`), then by name. */
export type TaskParameters = Readonly<Record<string, Readonly<Record<string, TaskParameter>>>>;

/** Larger pieces of configuration, by name; an object, or the text of a file. */
export type TaskConfigurations = Readonly<Record<string, EncodedValue>>;

/** Changes of a record. Absent: stays. Sections, names and configurations are merged, one by one. */
export interface TaskEdit {
  readonly name?: string;
  readonly project?: string;
  readonly type?: TaskType;
  readonly comment?: string;
  /** All of them. */
  readonly tags?: readonly string[];
  readonly addTags?: readonly string[];
  readonly script?: TaskScript;
  readonly parameters?: TaskParameters;
  readonly configurations?: TaskConfigurations;
  readonly progress?: number;
}

/** How a parameter is named from outside: `General/test_size`. */
export function parameterKey(text: string): { readonly section: string; readonly name: string } | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { section: text.slice(0, slash), name: text.slice(slash + 1) };
}
