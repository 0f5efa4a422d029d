import type { ErrorRecord, RunOutcomeStatus, TaskId } from '@run-pipeline/core/model';

/**
 * What an agent and the process of a controller say to each other, over the channel of `fork`. The process
 * says exactly one of `ended` and `lost`, then exits; one that exits without has died.
 */
export type ToController =
  | {
      readonly type: 'start';
      readonly task: TaskId;
      /** What came with its job. */
      readonly spec: Uint8Array | undefined;
      /** Of the agent's claim. */
      readonly fence: number;
      /** Milliseconds of the lease that the agent renews. */
      readonly leaseMs: number;
      /** Steps at once; undefined: as the pipeline or the project says. */
      readonly concurrency: number | undefined;
      /** Milliseconds from telling a step to stop to SIGKILL. */
      readonly graceMs: number;
    }
  /** Steps are told, outcomes are kept, the run ends as aborted. */
  | { readonly type: 'stop'; readonly reason: string };

export type FromController =
  /** The run ended like this, or could not be made (then with the reason). */
  | { readonly type: 'ended'; readonly status: RunOutcomeStatus; readonly error?: ErrorRecord }
  /** Somebody else drives the run now: there is nothing to tell the store. */
  | { readonly type: 'lost'; readonly message: string };
