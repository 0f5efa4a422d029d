import type { Resources, TaskId } from '@run-pipeline/core/model';
import type { AttemptState, Store } from '@run-pipeline/core/ports';
import { deferred } from '../deferred.js';
import { QueueStates, sameState, type QueueState } from '../../queue/index.js';

/**
 * The attempts of a run that went to queues, followed together: one subscription to the store, one read of
 * all of them a wake, however many there are. A look is followed by a pause of several times its own length,
 * so that a run with thousands of queued steps spends a bounded share of its time on looking.
 *
 * While anything is followed, attempts whose agents died are recovered: the follower would otherwise wait for
 * an agent to do it, and there may be none left.
 */
export interface AttemptFollower {
  /** After the store has the attempt. `needs`: what an agent must have to take it. */
  follow(task: TaskId, needs: Resources): Following;
  /** Nothing is told any more: who waits for the next state is refused with `reason`. */
  close(reason: unknown): void;
}

export interface Following {
  /** The first state at once, then whenever something changed since the last call, or `wake` was called. */
  next(): Promise<Sighting>;
  wake(): void;
  /** Recovers lost attempts now, and looks. */
  recover(): Promise<void>;
  end(): void;
}

export interface Sighting {
  /** Undefined: the store does not know it as an attempt in a queue (any more). */
  readonly state: AttemptState | undefined;
  /** While it waits: who would take it. Undefined while it does not. */
  readonly queue: QueueState | undefined;
}

const LONGEST_PAUSE_MS = 100;
const PAUSE_FACTOR = 4;
const LONGEST_RECOVERY_MS = 10_000;

type FollowedStore = Pick<Store, 'readAttempts' | 'listAgents' | 'listQueues' | 'recoverTasks' | 'watch'>;

export function followAttempts(options: {
  readonly store: FollowedStore;
  readonly leaseMs: number;
}): AttemptFollower {
  return new Follower(options.store, options.leaseMs);
}

class Follower implements AttemptFollower {
  readonly #store: FollowedStore;
  readonly #recoverEveryMs: number;
  readonly #followed = new Map<TaskId, Followed>();
  #unwatch: (() => void) | undefined;
  #recovery: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #readyAt = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(store: FollowedStore, leaseMs: number) {
    this.#store = store;
    this.#recoverEveryMs = Math.min(LONGEST_RECOVERY_MS, leaseMs / 2);
  }

  follow(task: TaskId, needs: Resources): Following {
    const followed = new Followed(needs);
    if (this.#closed !== undefined) followed.fail(this.#closed.reason);
    else {
      this.#followed.set(task, followed);
      this.#start();
      this.#wake();
    }
    return {
      next: () => followed.next(),
      wake: () => followed.ring(),
      recover: () => this.#recover(),
      end: () => {
        if (this.#followed.get(task) === followed) this.#followed.delete(task);
        if (this.#followed.size === 0) this.#stop();
      },
    };
  }

  close(reason: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.#stop();
    for (const followed of this.#followed.values()) followed.fail(reason);
    this.#followed.clear();
  }

  #start(): void {
    this.#unwatch ??= this.#store.watch(() => this.#wake());
    this.#recovery ??= setInterval(
      () => void this.#recover().catch((error) => this.close(error)),
      this.#recoverEveryMs,
    );
  }

  #stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    clearInterval(this.#recovery);
    this.#recovery = undefined;
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Also when nothing was recovered: an agent that vanished says no word, its lease just ends. */
  async #recover(): Promise<void> {
    await this.#store.recoverTasks();
    await this.#look();
  }

  #wake(): void {
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    if (this.#pause !== undefined) return;
    const wait = this.#readyAt - performance.now();
    if (wait <= 0) this.#lookNow();
    else
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#lookNow();
      }, wait);
  }

  #lookNow(): void {
    this.#look().catch((error: unknown) => this.close(error));
  }

  async #look(): Promise<void> {
    // One at a time, so that an older answer never overwrites a newer one.
    while (this.#looking !== undefined) await this.#looking.catch(() => {});
    if (this.#closed !== undefined || this.#followed.size === 0) return;
    const started = performance.now();
    this.#again = false;
    this.#looking = this.#read();
    try {
      await this.#looking;
    } finally {
      this.#looking = undefined;
      const now = performance.now();
      this.#readyAt = now + Math.min(LONGEST_PAUSE_MS, PAUSE_FACTOR * (now - started));
    }
    if (this.#again && this.#closed === undefined && this.#followed.size > 0) this.#wake();
  }

  async #read(): Promise<void> {
    const followed = [...this.#followed];
    const states = await this.#store.readAttempts(followed.map(([task]) => task));
    const waits = [...states.values()].some(({ status }) => status === 'queued');
    const queues = waits ? await QueueStates.read(this.#store) : undefined;
    for (const [task, one] of followed) {
      const state = states.get(task);
      const queue = state?.status === 'queued' ? state.queue : undefined;
      one.see({ state, queue: queue === undefined ? undefined : queues?.of(queue, one.needs) });
    }
  }
}

/** One attempt: what was seen last, and a bell that remembers that it was rung. */
class Followed {
  readonly needs: Resources;
  #seen: Sighting | undefined;
  #rung = false;
  #bell = deferred<void>();
  #failure: { readonly reason: unknown } | undefined;

  constructor(needs: Resources) {
    this.needs = needs;
  }

  see(sighting: Sighting): void {
    const changed = this.#seen === undefined || differs(this.#seen, sighting);
    this.#seen = sighting;
    if (changed) this.ring();
  }

  ring(): void {
    this.#rung = true;
    this.#bell.resolve();
  }

  fail(reason: unknown): void {
    this.#failure = { reason };
    this.ring();
  }

  async next(): Promise<Sighting> {
    for (;;) {
      if (!this.#rung) await this.#bell.promise;
      if (this.#failure !== undefined) throw this.#failure.reason;
      this.#rung = false;
      this.#bell = deferred<void>();
      // Woken before the first look: that one is still to come.
      if (this.#seen !== undefined) return this.#seen;
    }
  }
}

function differs(a: Sighting, b: Sighting): boolean {
  if (!sameState(a.queue, b.queue)) return true;
  const [one, other] = [a.state, b.state];
  if (one === undefined || other === undefined) return one !== other;
  return (
    one.attempt !== other.attempt ||
    one.status !== other.status ||
    one.outputs !== other.outputs ||
    one.agent !== other.agent ||
    one.lost.length !== other.lost.length
  );
}
