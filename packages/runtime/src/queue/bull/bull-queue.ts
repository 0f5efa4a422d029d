import type { Delivery, Offers, Settlement, Store, TaskQueue } from '@run-pipeline/core/ports';
import { Fitting, lacking } from '../../store/rules/fitting.js';
import type { Carrier } from '../carried-store.js';
import { Bell } from './bell.js';
import type { BullLane, BullLanes, Head, TakenJob } from './bull-lanes.js';
import { KINDS, type Lane, type PushedJob } from './lane.js';
import type { RedisConnections } from './redis-connections.js';
import { Refill } from './refill.js';
import { Rests } from './rests.js';

/** What is sent is answered within this, or not waited for. */
const ANSWER_MS = 2_000;
/** After something other than a lost connection went wrong. */
const PAUSE_MS = 1_000;
const MOST_MISSES = 4;
const TURNS = 'turns';

type TakeOptions = Parameters<TaskQueue['take']>[0];
type Nothing = { readonly job: undefined; readonly listen: readonly BullLane[] };

/**
 * Carries ids of ready tasks over BullMQ. Redis may lose all of it at any time: the store says what is queued, and
 * what is missing in Redis is pushed again (`Refill`).
 *
 * Invariants:
 * - A job in Redis is a rumour. Who takes it claims it in the store, and only then is it removed here; a job that
 *   was claimed and is told again is refused there.
 * - Who pushes is never failed, and held up for a moment at most.
 * - A marker that was got is acted upon or put back (`Bell`).
 */
export class BullQueue implements TaskQueue, Carrier {
  readonly #connections: RedisConnections;
  readonly #lanes: BullLanes;
  readonly #bell: Bell;
  readonly #rests: Rests;
  readonly #refill: Refill;
  readonly #closed = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();
  #stalledAt = 0;

  constructor(options: {
    readonly connections: RedisConnections;
    readonly lanes: BullLanes;
    readonly store: Store;
  }) {
    const { connections, lanes, store } = options;
    this.#connections = connections;
    this.#lanes = lanes;
    this.#rests = new Rests(store);
    this.#refill = new Refill({ connections, lanes, store });
    const wakeKey = lanes.key(`waits-${connections.id}`);
    this.#bell = new Bell({
      connect: () => connections.blocking(),
      wakeKey,
      wake: () => {
        const { main } = connections;
        for (const sent of [main.zadd(wakeKey, 0, '0'), main.expire(wakeKey, 60)])
          sent.catch(() => undefined); // the next look comes by itself
      },
      putBack: (marker) => void connections.main.zadd(marker, 0, '0').catch(() => undefined),
    });
  }

  async push(job: PushedJob): Promise<void> {
    await this.#bounded(async () => {
      if (!(await this.#connections.soonReady())) return;
      await this.#lanes.push(job);
      this.#connections.worked();
    });
  }

  async refill(queue: string): Promise<void> {
    await this.#bounded(async () => {
      if (await this.#connections.soonReady()) await this.#refill.queue(queue);
    });
  }

  keepUp(): void {
    if (this.#closed.signal.aborted) return;
    void this.#tracked(this.#refill.all());
  }

  async take(options: TakeOptions): Promise<Delivery | undefined> {
    const over = new AbortController();
    const end = (): void => over.abort();
    // Not AbortSignal.any: one of them lives as long as the queue, and would collect an entry for each job.
    const signals = [options.signal, this.#closed.signal];
    for (const signal of signals) signal.addEventListener('abort', end);
    if (signals.some(({ aborted }) => aborted)) end();
    const ended = new Promise<undefined>((resolve) => {
      if (over.signal.aborted) resolve(undefined);
      else over.signal.addEventListener('abort', () => resolve(undefined));
    });
    try {
      // What is under way when it ends is put back behind the scenes.
      return await Promise.race([ended, this.#tracked(this.#search(options, over.signal))]);
    } finally {
      over.abort();
      for (const signal of signals) signal.removeEventListener('abort', end);
    }
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#rests.close();
    await within(ANSWER_MS, Promise.allSettled(this.#pending));
    this.#bell.close();
    this.#connections.close();
  }

  async #search(options: TakeOptions, over: AbortSignal): Promise<Delivery | undefined> {
    const rang = new Set<string>();
    while (!over.aborted) {
      if (!(await this.#connections.ready(over))) break;
      try {
        const found = await this.#look(options, over);
        if (found.job !== undefined) {
          this.#connections.worked();
          rang.delete(found.lane.marker); // taking it has set the marker again
          this.#putBack(rang);
          if (!over.aborted) return this.#delivery(found.job);
          await found.job.putBack();
          break;
        }
        const listen = found.listen.map(({ marker }) => marker);
        // The others were looked at, and are empty.
        this.#putBack(new Set([...rang].filter((marker) => !listen.includes(marker))));
        rang.clear();
        await this.#wait(listen, options, { over, rang });
      } catch (error) {
        this.#connections.failed(error);
        if (this.#connections.isReady) await pause(PAUSE_MS, over);
      }
    }
    this.#putBack(rang);
    return undefined;
  }

  /** Until one of these lanes may have a job, or it is time to look in any case. */
  async #wait(
    markers: readonly string[],
    { queues }: TakeOptions,
    { over, rang }: { readonly over: AbortSignal; readonly rang: Set<string> },
  ): Promise<void> {
    const undo: (() => unknown)[] = [];
    await new Promise<void>((resolve) => {
      if (over.aborted) resolve();
      const done = (): void => resolve();
      over.addEventListener('abort', done);
      undo.push(() => over.removeEventListener('abort', done));
      const ring = (marker: string | undefined): void => {
        if (marker !== undefined) rang.add(marker);
        resolve();
      };
      undo.push(this.#bell.listen(markers, ring));
      let timer: NodeJS.Timeout | undefined;
      const set = (): void => {
        clearTimeout(timer);
        const ms = this.#rests.dueIn(queues);
        if (ms !== undefined) timer = setTimeout(done, ms);
      };
      undo.push(this.#rests.listen(set), () => clearTimeout(timer));
      set();
    });
    for (const each of undo) each();
  }

  async #look(
    options: TakeOptions,
    over: AbortSignal,
  ): Promise<Nothing | { readonly job: TakenJob; readonly lane: BullLane }> {
    const { queues, offers } = options;
    await this.#rests.look(queues, options);
    const lanes = await this.#lanesFor(options);
    await this.#recoverStalled(lanes);
    let awake = lanes.filter(({ lane }) => !this.#rests.has(lane.queue));
    const misses = new Map<BullLane, number>();
    for (;;) {
      const heads = await Promise.all(awake.map((lane) => lane.head()));
      const waiting = awake.flatMap((lane, index) => {
        const head = heads[index];
        return head === undefined ? [] : [{ lane, head }];
      });
      const { next, passedBy } = await inTurn(waiting, { queues: await this.#turns(options), offers });
      if (next === undefined || over.aborted) {
        const listen = awake.filter(
          (lane) => !passedBy.includes(lane) && new Fitting(offers).takes(lane.lane.resources),
        );
        return { job: undefined, listen };
      }
      const job = await next.take();
      if (job !== undefined) {
        this.#countTurn(next.lane.queue);
        return { job, lane: next };
      }
      // Somebody was faster. Again and again: somebody has paused the lane in Redis, whatever that was for.
      const missed = (misses.get(next) ?? 0) + 1;
      misses.set(next, missed);
      if (missed === MOST_MISSES) awake = awake.filter((lane) => lane !== next);
    }
  }

  /**
   * The lanes that this asker can serve in principle. Those without needs are always listened to; of the others
   * Redis knows which ones there are.
   */
  async #lanesFor({ queues, kinds = [], offers }: TakeOptions): Promise<readonly BullLane[]> {
    const wanted = KINDS.filter((kind) => !kinds.includes(kind));
    const plain = queues.flatMap((queue) => wanted.map((kind): Lane => ({ kind, queue, resources: {} })));
    const hasSome = offers === undefined || Object.keys(offers.all).length > 0;
    const known = hasSome ? await this.#lanes.known() : [];
    const needing = known.filter(
      ({ kind, queue, resources }) =>
        Object.keys(resources).length > 0 &&
        wanted.includes(kind) &&
        queues.includes(queue) &&
        (offers === undefined || lacking(resources, offers.all).length === 0),
    );
    return Promise.all([...plain, ...needing].map((lane) => this.#lanes.of(lane)));
  }

  async #recoverStalled(lanes: readonly BullLane[]): Promise<void> {
    if (Date.now() - this.#stalledAt < PAUSE_MS) return;
    this.#stalledAt = Date.now();
    await Promise.all(lanes.map((lane) => lane.recoverStalled()));
  }

  /** Queues in the order in which they are looked at. */
  async #turns({ queues, order }: TakeOptions): Promise<readonly string[]> {
    if (order === 'given' || queues.length < 2) return queues;
    const taken = await this.#connections.main.lrange(this.#lanes.key(TURNS), 0, -1);
    return queues.toSorted((a, b) => taken.lastIndexOf(a) - taken.lastIndexOf(b));
  }

  /** A job was taken from it: its turn comes again after all others. */
  #countTurn(queue: string): void {
    const key = this.#lanes.key(TURNS);
    const { main } = this.#connections;
    main
      .multi()
      .lrem(key, 0, queue)
      .rpush(key, queue)
      .exec()
      .catch(() => undefined); // turns are a courtesy
  }

  #putBack(markers: ReadonlySet<string>): void {
    for (const marker of markers) this.#connections.main.zadd(marker, 0, '0').catch(() => undefined); // the next look finds it
  }

  #delivery(job: TakenJob): Delivery {
    const { kind, queue } = job.lane;
    return {
      ...job.data,
      kind,
      queue,
      settle: async (how: Settlement, afterMs?: number) => {
        if (how === 'later') this.#rests.begin(queue, afterMs);
        await this.#bounded(async () => {
          // Refused when it stalled and somebody else has it: he says what came of it.
          await (how === 'later' ? job.putBack() : job.remove()).catch(() => undefined);
        });
      },
    };
  }

  /** Neither fails nor lasts: Redis is not what anybody's work depends on. */
  async #bounded(operation: () => Promise<unknown>): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const done = this.#tracked(operation()).catch((error: unknown) => this.#connections.failed(error));
    await within(ANSWER_MS, done);
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    const noted = work.catch(() => undefined).then(() => void this.#pending.delete(noted));
    this.#pending.add(noted);
    return work;
  }
}

interface Waiting {
  readonly lane: BullLane;
  readonly head: Head;
}

/** The lane of which to take: of the first of `queues` that has a job, in it by priority, then age. */
async function inTurn(
  waiting: readonly Waiting[],
  { queues, offers }: { readonly queues: readonly string[]; readonly offers: Offers | undefined },
): Promise<{ readonly next: BullLane | undefined; readonly passedBy: readonly BullLane[] }> {
  const fitting = new Fitting(offers);
  const passedBy: BullLane[] = [];
  for (const queue of queues) {
    for (const { lane } of await sorted(waiting.filter(({ lane }) => lane.lane.queue === queue))) {
      if (fitting.takes(lane.lane.resources)) return { next: lane, passedBy };
      passedBy.push(lane);
    }
  }
  return { next: undefined, passedBy };
}

async function sorted(waiting: readonly Waiting[]): Promise<readonly Waiting[]> {
  if (waiting.length < 2) return waiting;
  const ages = await Promise.all(waiting.map(({ lane, head }) => lane.pushedAt(head.id)));
  return waiting
    .map((one, index) => ({ ...one, at: ages[index]! }))
    .toSorted((a, b) => a.head.rank - b.head.rank || a.at - b.at);
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  const done = new AbortController();
  const end = (): void => done.abort();
  over.addEventListener('abort', end);
  await within(ms, new Promise<void>((resolve) => done.signal.addEventListener('abort', () => resolve())));
  over.removeEventListener('abort', end);
}
