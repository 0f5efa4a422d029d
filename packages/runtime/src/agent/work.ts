import type { Job, NewAgent, Store } from '@run-pipeline/core/ports';
import type { AgentContext } from './agent-context.js';
import { HeldAttempt } from './held-attempt.js';
import { Pulse } from './pulse.js';
import { ServedState } from './served-state.js';
import { Slots } from './slots.js';
import { superviseController } from './supervise-controller.js';
import { superviseTask } from './supervise-task.js';

/** Workers that wait for work. */
export const WARM = 2;

/** What an agent is at: the attempts it holds, their places, and how all of them end. */
export class AgentWork {
  readonly slots: Slots;
  readonly pulse: Pulse;
  /** Attempts that have ended, one way or the other. */
  executed = 0;
  readonly #context: AgentContext;
  readonly #held = new Set<HeldAttempt>();
  readonly #running = new Set<Promise<void>>();
  readonly #onFault: () => void;
  #fault: { readonly error: unknown } | undefined;

  constructor(options: {
    readonly context: AgentContext;
    readonly row: NewAgent;
    /** For life signs: each of them is tried once, the next one follows. */
    readonly store: Store;
    /** Something went wrong that is no task's failure: nothing more should be taken. */
    readonly onFault: () => void;
  }) {
    const { context, row, store } = options;
    this.#context = context;
    this.#onFault = options.onFault;
    this.slots = new Slots({ size: row.concurrency, resources: row.resources });
    this.pulse = new Pulse({
      store,
      agent: row,
      held: this.#held,
      tell: context.tell,
      state: new ServedState(context.project.home),
      onFault: (error) => this.fail(error),
    });
  }

  get running(): number {
    return this.#held.size;
  }

  start(job: Job, fence: number): void {
    const held = new HeldAttempt(job, fence);
    this.#held.add(held);
    this.pulse.changed();
    const leave = this.slots.occupy(job);
    const supervise = job.kind === 'controller' ? superviseController : superviseTask;
    const work = supervise(this.#context, held)
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.executed += 1;
        this.#held.delete(held);
        this.#running.delete(work);
        leave();
        this.pulse.changed();
        this.warm();
      });
    this.#running.add(work);
  }

  /** Processes for what comes next: a script's is not used again, and nobody should wait for a new one. */
  warm(): void {
    this.#context.pool.warm(WARM);
  }

  /** No task's failure: the agent ends with it, and gives back what it has. */
  fail(error: unknown): void {
    this.#fault ??= { error };
    this.#onFault();
  }

  /** Nothing new comes: says so, and waits for what runs. Rejects with what went wrong meanwhile. */
  async finish(): Promise<void> {
    this.pulse.draining = true;
    this.pulse.changed();
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  handBack(reason: string, options: { readonly atOnce: boolean }): void {
    if (this.#held.size > 0) this.#context.tell({ type: 'agent.hand-back', running: this.#held.size });
    for (const held of this.#held) held.handBack(reason, options);
  }
}
