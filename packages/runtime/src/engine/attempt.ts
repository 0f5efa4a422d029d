import type { TaskOutcome } from '../workers/protocol.js';

/** One execution of a step that is over, wherever it was. */
export interface Attempted {
  readonly outcome: TaskOutcome;
  /** What was installed did not change while it ran. */
  readonly sameInstallation: boolean;
  readonly attempt: number;
  readonly durationMs: number;
  /** Of an execution here, to be ended in the run's own commit. Undefined: it never started. */
  readonly fence: number | undefined;
}
