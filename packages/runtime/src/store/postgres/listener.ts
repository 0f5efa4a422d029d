import { setTimeout as delay } from 'node:timers/promises';
import type * as Pg from 'pg';
import type { PostgresAddress } from './address.js';
import { openClient, sessionSettings } from './pool.js';

export const channelOf = (address: PostgresAddress): string => `run_pipeline_${address.schema}`;

/** A connection that hears nothing may be one that is dead: so often the server is asked something. */
const ASK_MS = 5_000;
/** Who does not answer so long is not heard any more. */
const SILENCE_MS = 8_000;
/** What others tell in one moment wakes once. */
const GATHER_MS = 20;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Hears of the commits of other processes, as long as somebody waits for them, and keeps the process alive
 * meanwhile. While it is not connected nothing is heard: so it tells as soon as it is (again), whether or
 * not anything happened. And it looks now and then at the sum of all transactions' numbers, should a word
 * have been lost on its way.
 */
export class Listener {
  readonly #driver: typeof Pg;
  readonly #address: PostgresAddress;
  readonly #instance: string;
  readonly #told: () => void;
  #ending: AbortController | undefined;
  #gathering: NodeJS.Timeout | undefined;

  /** `instance`: its own words are no news. */
  constructor(options: {
    readonly driver: typeof Pg;
    readonly address: PostgresAddress;
    readonly instance: string;
    readonly told: () => void;
  }) {
    this.#driver = options.driver;
    this.#address = options.address;
    this.#instance = options.instance;
    this.#told = options.told;
  }

  start(): void {
    if (this.#ending !== undefined) return;
    this.#ending = new AbortController();
    void this.#listen(this.#ending.signal);
  }

  stop(): void {
    this.#ending?.abort();
    this.#ending = undefined;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }

  /** Whatever goes wrong is told by those who read or write; this one comes again. */
  async #listen(signal: AbortSignal): Promise<void> {
    for (let pause = SHORTEST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      let client: Pg.Client | undefined;
      try {
        client = await openClient(this.#driver, this.#address);
        client.on('notification', ({ payload }) => {
          if (payload !== this.#instance) this.#hear(signal);
        });
        await client.query(`${sessionSettings(this.#address)}; LISTEN ${channelOf(this.#address)}`);
        this.#hear(signal);
        pause = SHORTEST_PAUSE_MS;
        await this.#ask(client, signal);
      } catch {
        // The pause, and then again.
      } finally {
        void client?.end().catch(() => {});
      }
      await delay(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** Until the connection is lost or nobody waits any more. */
  async #ask(client: Pg.Client, signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    client.once('end', () => lost.abort());
    const either = AbortSignal.any([signal, lost.signal]);
    for (let seen: unknown; !either.aborted;) {
      const { rows } = await client.query<[unknown]>({
        text: 'SELECT sum(last) FROM writers',
        rowMode: 'array',
        query_timeout: SILENCE_MS,
      } as Pg.QueryArrayConfig);
      if (seen !== undefined && rows[0]?.[0] !== seen) this.#hear(signal);
      seen = rows[0]?.[0];
      await delay(ASK_MS, undefined, { signal: either }).catch(() => {});
    }
  }

  #hear(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#told();
    }, GATHER_MS);
  }
}
