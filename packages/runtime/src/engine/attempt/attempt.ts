import type { TaskOutcome } from '../../workers/protocol.js';

/** One execution of a step that is over, wherever it was. */
export interface Attempted {
  readonly outcome: TaskOutcome;
  /** What was installed did not change while it ran. */
  readonly sameInstallation: boolean;
  readonly attempt: number;
  readonly durationMs: number;
  /** False: it waited, and was taken back before anybody executed it. */
  readonly started: boolean;
  /** What its fingerprint was made of was committed when it began. */
  readonly preimageKept: boolean;
  /** Of an execution here: to be ended in the run's own commit. An agent's has ended already. */
  readonly fence: number | undefined;
  /** An agent was told to end it and did not: no other attempt may start beside it. */
  readonly abandoned?: boolean;
}

/** What is about to be executed. */
export interface AttemptNumber {
  readonly attempt: number;
  /** Although an agent completed it for an owner of the run that is gone: with other inputs than now. */
  readonly again: boolean;
}
