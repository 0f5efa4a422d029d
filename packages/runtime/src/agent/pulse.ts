import type { NewAgent, Store } from '@run-pipeline/core/ports';
import type { TellAgentEvent } from './events.js';
import type { HeldAttempt } from './held-attempt.js';
import type { ServedState } from './served-state.js';

/** Lost attempts of others are looked for twice a lease, but not more rarely than this. */
const LONGEST_RECOVERY_MS = 10_000;
/** What it runs is told again so long after it changed: several changes are one. */
const SOON_MS = 100;

/**
 * The life signs of an agent: renews its lease and those of its attempts three times a lease, so that one
 * slow write loses nothing, hears of stops, and gives attempts back of which nobody hears any more. The
 * store alone decides, by its clock: a refused renewal means that the attempt is somebody else's.
 */
export class Pulse {
  readonly #store: Store;
  readonly #agent: NewAgent;
  readonly #held: ReadonlySet<HeldAttempt>;
  readonly #tell: TellAgentEvent;
  readonly #state: ServedState;
  readonly #onFault: (error: unknown) => void;
  readonly #timers: NodeJS.Timeout[];
  readonly #unwatch: () => void;
  #beating: Promise<void> | undefined;
  #recovering = false;
  #lookingForStops: 'no' | 'yes' | 'and again' = 'no';
  #soon: NodeJS.Timeout | undefined;
  #lastBeat = Date.now();
  draining = false;

  constructor(options: {
    readonly store: Store;
    readonly agent: NewAgent;
    readonly held: ReadonlySet<HeldAttempt>;
    readonly tell: TellAgentEvent;
    readonly state: ServedState;
    /** What it serves is gone. */
    readonly onFault: (error: unknown) => void;
  }) {
    const { store, agent } = options;
    this.#state = options.state;
    this.#onFault = options.onFault;
    this.#store = store;
    this.#agent = agent;
    this.#held = options.held;
    this.#tell = options.tell;
    const { leaseMs } = agent;
    this.#timers = [
      // A failed one is followed by the next; who reads or writes tells of a store that stays broken.
      setInterval(() => void this.beat().catch(() => undefined), leaseMs / 3),
      setInterval(() => void this.#recover(), Math.min(leaseMs / 2, LONGEST_RECOVERY_MS)),
    ];
    this.#unwatch = store.watch(() => void this.#lookForStops());
    void this.#recover();
  }

  /** Renews everything, once. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** What it runs has changed: `agent ls` shows it. */
  changed(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.beat().catch(() => undefined);
    }, SOON_MS);
  }

  /**
   * Before anything new is taken: after a pause (a suspended process or machine) of more than a lease's
   * half, hears first what of the old is still ours.
   */
  async afterPause(): Promise<void> {
    if (Date.now() - this.#lastBeat > this.#agent.leaseMs / 2) await this.beat();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#soon);
    this.#unwatch();
  }

  async #beat(): Promise<void> {
    try {
      this.#state.assertThere();
    } catch (error) {
      this.#onFault(error);
    }
    const { id, leaseMs } = this.#agent;
    const held = [...this.#held];
    const running = held.map(({ task }) => task);
    const [known, ...ours] = await Promise.all([
      this.#store.heartbeatAgent(id, { running, leaseMs, draining: this.draining }),
      ...held.map(({ task, fence }) => this.#store.heartbeatTask(task, fence, leaseMs)),
    ]);
    this.#lastBeat = Date.now();
    held.forEach((attempt, index) => {
      if (ours[index] === false && !attempt.settling) attempt.lose('its lease ran out');
    });
    // Its row goes when nobody heard of it for very long.
    if (!known) await this.#store.registerAgent(this.#agent);
    await this.#lookForStops();
  }

  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    try {
      // Ours come first: after a pause they are still ours, unless somebody was faster.
      await this.afterPause();
      const { requeued, failed, aborted } = await this.#store.recoverTasks();
      for (const job of requeued) this.#tell({ type: 'task.recover', ...job });
      for (const task of failed) this.#tell({ type: 'task.give-up', task, status: 'failed' });
      for (const task of aborted) this.#tell({ type: 'task.give-up', task, status: 'aborted' });
    } catch {
      // The next one comes, here and elsewhere.
    } finally {
      this.#recovering = false;
    }
  }

  /** Woken by commits, of which there may be many: while one look lasts, the next ones are one. */
  async #lookForStops(): Promise<void> {
    if (this.#held.size === 0) return;
    if (this.#lookingForStops !== 'no') {
      this.#lookingForStops = 'and again';
      return;
    }
    try {
      do {
        this.#lookingForStops = 'yes';
        const held = [...this.#held];
        const stops = await this.#store.readTaskStops(held.map(({ task }) => task));
        for (const attempt of held) {
          const stop = stops.get(attempt.task);
          if (stop !== undefined) attempt.stopWith(stop);
        }
      } while ((this.#lookingForStops as string) === 'and again');
    } catch {
      // The next commit, or the next renewal, looks again.
    } finally {
      this.#lookingForStops = 'no';
    }
  }
}
