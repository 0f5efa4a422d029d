import type { RunEvent } from '../model/events.js';
import type { RunStatus, StepStatus } from '../model/status.js';
import type { PipelineTasks } from './pipeline-task.js';

/**
 * What `run(…)`, `pipe.start()` and `pipe.startLocally()` hand over to: core declares, the runtime
 * (or the command line, while it evaluates a user's file) runs. The host is process-wide, on
 * `globalThis`, because core may be loaded twice.
 */
export interface RunHost {
  /** `observer` is told every event of the run after it is committed, in order. */
  run(subject: object, options: RunOptions, observer?: (event: RunEvent) => void): Promise<Run>;
  /** Absent where pipelines cannot be tasks: in a step. */
  readonly pipelines?: PipelineTasks | undefined;
}

/** The options of `run(…)`: the command line's flags in camelCase. */
export interface RunOptions {
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Steps at once; default: the number of cores. */
  readonly concurrency?: number;
  /** `true`: execute everything and replace entries; a list: only these steps. */
  readonly refresh?: boolean | readonly string[];
  /** `false`: neither read nor write the cache. */
  readonly cache?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly only?: string;
  /** Steps without a queue of their own go to agents on this queue. */
  readonly queue?: string;
  /** Added to the priority of each step, and of the controller: of several runs, higher is sooner. Default 0. */
  readonly priority?: number;
  /** The controller too; `true`: on `services`. */
  readonly remote?: boolean | string;
  readonly local?: boolean;
  readonly output?: 'auto' | 'live' | 'stream' | 'quiet';
  readonly signal?: AbortSignal;
  /** Source file of the pipeline, when it cannot be told from the call site: `import.meta.url`. */
  readonly source?: string | URL;
}

/** One execution, after it has ended. */
export interface Run {
  readonly id: string;
  readonly number: number;
  readonly status: RunStatus;
  readonly steps: Readonly<
    Record<string, { readonly status: StepStatus; readonly attempts: number; readonly error?: Error }>
  >;
  /** The value of an artifact: `get('step_three.model')`, `get('train')` for `result`. */
  get<T = unknown>(reference: string): Promise<T>;
}

const HOST = Symbol.for('run-pipeline.host');
type Holder = { [HOST]?: RunHost };

/** Sets the host and returns the one before, so that a caller can put it back. */
export function setRunHost(host: RunHost | undefined): RunHost | undefined {
  const holder = globalThis as Holder;
  const previous = holder[HOST];
  if (host === undefined) delete holder[HOST];
  else holder[HOST] = host;
  return previous;
}

export const hasRunHost = (): boolean => (globalThis as Holder)[HOST] !== undefined;

export function runHost(): RunHost {
  const host = (globalThis as Holder)[HOST];
  if (host === undefined) {
    throw new Error(
      "nothing here can run a pipeline: import from 'run-pipeline', not from '@run-pipeline/core'",
    );
  }
  return host;
}
