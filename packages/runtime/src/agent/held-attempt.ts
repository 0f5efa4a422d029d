import type { TaskId } from '@run-pipeline/core/model';
import type { Job, ProcessIdentity, TaskStop } from '@run-pipeline/core/ports';
import type { AbortReason } from '../workers/protocol.js';
import type { AttemptName } from './events.js';

/**
 * An attempt that this agent has claimed, from the claim until its end is stored. It can be ended from
 * outside in three ways, of which the strongest counts:
 *
 * - stopped: somebody asked for it, or it took too long. It is told, and ends as `aborted`.
 * - handed back: the agent goes. It is told, and waits in its queue again, unless it completes first.
 * - lost: its fence is old. Its process is killed at once; nothing of it may be written any more.
 */
export class HeldAttempt {
  readonly job: Job;
  readonly fence: number;
  /** Its end, or its way back into the queue, is being stored: a refused heartbeat says nothing then. */
  settling = false;
  /** For people: `iris.step_one`, `examples/prepare`. Known once somebody has looked. */
  title: string | undefined;
  readonly #abort = new AbortController();
  #stop: TaskStop | undefined;
  #handedBack: string | undefined;
  #lost: string | undefined;
  #worker: ProcessIdentity | undefined;
  #kill: (() => void) | undefined;

  constructor(job: Job, fence: number) {
    this.job = job;
    this.fence = fence;
  }

  get task(): TaskId {
    return this.job.task;
  }

  get name(): AttemptName {
    const { task, attempt, kind, queue, run, step } = this.job;
    return {
      task,
      attempt,
      kind,
      queue,
      ...(this.title === undefined ? {} : { title: this.title }),
      ...(run === undefined ? {} : { run }),
      ...(step === undefined ? {} : { step }),
    };
  }

  /** Aborted with an `AbortReason`, for whatever the attempt is at. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stop(): TaskStop | undefined {
    return this.#stop;
  }

  /** Why it goes back into its queue, if it does. */
  get handedBack(): string | undefined {
    return this.#handedBack;
  }

  /** Why it is nobody's of ours any more, if so. */
  get lost(): string | undefined {
    return this.#lost;
  }

  get worker(): ProcessIdentity | undefined {
    return this.#worker;
  }

  /** It is executed from now on; `kill` ends the process and everything that it started, at once. */
  executedBy(worker: ProcessIdentity, kill: () => void): void {
    this.#worker = worker;
    this.#kill = kill;
  }

  /** The process is at nothing of this attempt any more, and must not be killed for it. */
  executed(): void {
    this.#kill = undefined;
  }

  stopWith(stop: TaskStop): void {
    if (this.#stop !== undefined) return;
    this.#stop = stop;
    this.#abortWith({ reason: stop.reason });
  }

  /** `atOnce`: there is no time to tell it. */
  handBack(reason: string, options: { readonly atOnce: boolean }): void {
    this.#handedBack ??= reason;
    this.#abortWith({ reason: 'shutdown' });
    if (options.atOnce) this.#kill?.();
  }

  lose(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#abortWith({ reason: 'shutdown' });
    this.#kill?.();
  }

  #abortWith(reason: AbortReason): void {
    this.#abort.abort(reason);
  }
}
