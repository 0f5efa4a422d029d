/** A run of the current file, with these changes; what is left out is as in the run before. */
export interface RerunRequest {
  /** Text of the command line, by parameter. */
  readonly parameters: { readonly [name: string]: string };
  readonly selection?: { readonly from?: string; readonly to?: string; readonly only?: string };
  /** `all`, or these steps: execute although cached. */
  readonly refresh?: 'all' | readonly string[];
  readonly cache?: boolean;
  /** Steps without a queue of their own go to agents on this one. */
  readonly queue?: string;
  /** The whole run is left to an agent on this queue. */
  readonly remote?: string;
}

/** The process that executes it was started and lives on its own: the page may be closed. */
export interface RunStarted {
  readonly run: string;
}

export interface CacheRefresh {
  readonly run: string;
  readonly step: string;
}

export interface TaskEnqueue {
  /** Default `default`. */
  readonly queue?: string;
  /** Default: as it was enqueued last. */
  readonly priority?: number;
}

export interface TaskEnqueued {
  readonly task: string;
  /** Why nobody takes it yet: no agent, none that has what it needs, a paused queue. */
  readonly notice?: string;
}

export interface ActionResult {
  readonly done: boolean;
  /** Why not, or what will happen. */
  readonly message: string;
}
