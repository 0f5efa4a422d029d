import type { QueuedJob, QueueRow, Store } from '@run-pipeline/core/ports';
import type { BullLanes } from './bull-lanes.js';
import { jobId, KINDS, laneName, type Lane } from './lane.js';
import type { RedisConnections } from './redis-connections.js';

/** Of all processes together one compares so often. */
const COMPARED_MS = 1_000;
/** Numbers that differ a little are mostly jobs on their way: looked into no more often than this. */
const DIFFERED_MS = 10_000;
/** Numbers can be equal by chance (one is missing, another one too many): looked into so often in any case. */
const THOROUGH_MS = 60_000;
/** A lane to which nothing was pushed for so long, and which is empty, is not looked at any more. */
const FORGOTTEN_MS = 24 * 3_600_000;
/** Pushed at once. */
const BATCH = 100;

/**
 * Makes Redis say again what the store says. Redis may have been emptied, restarted without what it had, or away when
 * a job came; jobs may have been withdrawn, or claimed without it.
 *
 * What is in Redis is read before the store is: what was there and does not wait in the store a moment later is
 * carried for nobody; and what is pushed meanwhile is pushed twice, which changes nothing.
 */
export class Refill {
  readonly #connections: RedisConnections;
  readonly #lanes: BullLanes;
  readonly #store: Pick<Store, 'listQueues' | 'listQueued'>;
  #running: Promise<void> | undefined;

  constructor(options: {
    readonly connections: RedisConnections;
    readonly lanes: BullLanes;
    readonly store: Pick<Store, 'listQueues' | 'listQueued'>;
  }) {
    this.#connections = options.connections;
    this.#lanes = options.lanes;
    this.#store = options.store;
  }

  /** Compares numbers, and what is behind them where it seems worth it. Does nothing while Redis is away. */
  async all(): Promise<void> {
    this.#running ??= this.#all().finally(() => {
      this.#running = undefined;
    });
    await this.#running.catch(() => undefined); // the next one comes, here and elsewhere
  }

  async #all(): Promise<void> {
    if (!(await this.#connections.soonReady()) || !(await this.#isOurs('compared', COMPARED_MS))) return;
    const rows = await this.#store.listQueues();
    const known = await this.#lanes.known();
    const isThorough = await this.#isOurs('thorough', THOROUGH_MS);
    for (const name of new Set([...rows.map((row) => row.name), ...known.map(({ queue }) => queue)])) {
      const lanes = lanesOf(name, known);
      const row = rows.find((one) => one.name === name);
      if (isThorough || (await this.#differs(name, lanes, row))) await this.#compare(name, lanes);
    }
    if (isThorough) await this.#forget(known);
  }

  async queue(name: string): Promise<void> {
    await this.#compare(name, lanesOf(name, await this.#lanes.known()));
  }

  async #differs(name: string, lanes: readonly Lane[], row: QueueRow | undefined): Promise<boolean> {
    const waiting = row?.waiting ?? 0;
    let carried = 0;
    for (const lane of lanes) carried += await (await this.#lanes.of(lane)).count();
    if (carried === waiting) return false;
    return carried < waiting / 2 || (await this.#isOurs(`differed-${encodeURIComponent(name)}`, DIFFERED_MS));
  }

  async #compare(name: string, lanes: readonly Lane[]): Promise<void> {
    const carried = new Map<string, ReadonlySet<string>>();
    const waiting: { readonly lane: Lane; readonly id: string }[] = [];
    for (const lane of lanes) {
      const ids = await (await this.#lanes.of(lane)).ids();
      waiting.push(...ids.waiting.map((id) => ({ lane, id })));
      carried.set(laneName(lane), new Set([...ids.waiting, ...ids.taken]));
    }
    const queued = await this.#store.listQueued(name);
    const wanted = new Set(queued.map((job) => `${laneName(job)} ${jobId(job)}`));
    const missing = queued.filter((job) => carried.get(laneName(job))?.has(jobId(job)) !== true);
    await inBatches(missing, (job: QueuedJob) => this.#lanes.push(job));
    const surplus = waiting.filter(({ lane, id }) => !wanted.has(`${laneName(lane)} ${id}`));
    await inBatches(surplus, async ({ lane, id }) => (await this.#lanes.of(lane)).remove(id));
  }

  async #forget(known: readonly Lane[]): Promise<void> {
    const empty: Lane[] = [];
    for (const lane of known) if ((await (await this.#lanes.of(lane)).count()) === 0) empty.push(lane);
    await this.#lanes.forget(empty, Date.now() - FORGOTTEN_MS);
  }

  /** One process in all of `everyMs` gets it. */
  async #isOurs(what: string, everyMs: number): Promise<boolean> {
    return (await this.#connections.main.set(this.#lanes.key(what), '1', 'PX', everyMs, 'NX')) !== null;
  }
}

/** Those that any queue has, and those that are known of this one. */
function lanesOf(queue: string, known: readonly Lane[]): readonly Lane[] {
  const plain = KINDS.map((kind): Lane => ({ kind, queue, resources: {} }));
  const all = [...plain, ...known.filter((lane) => lane.queue === queue)];
  return [...new Map(all.map((lane) => [laneName(lane), lane])).values()];
}

async function inBatches<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH)
    await Promise.all(items.slice(start, start + BATCH).map(each));
}
