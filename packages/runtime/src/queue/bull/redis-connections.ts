import { randomUUID } from 'node:crypto';
import type { Redis, RedisOptions } from 'ioredis';
import type { IORedis } from './driver.js';
import type { RedisAddress } from './redis-address.js';

/** A command that is not answered for so long: the other end is gone without a word (a cut network). */
const COMMAND_MS = 5_000;
const LONGEST_RETRY_MS = 1_000;
/** How long those who must not wait do so, once, when Redis goes away: a restart takes less. */
const PATIENCE_MS = 2_000;

/**
 * What one process has to Redis: a connection for commands, made when the first is to be sent, which comes back by
 * itself; and, for who waits, one that may be blocked (`blocking`).
 *
 * A command never waits for a connection: it fails at once while there is none, and whoever can wait does so by
 * `ready`. That Redis is away is told once, and once when it is back.
 */
export class RedisConnections {
  readonly id = randomUUID();
  readonly #library: () => typeof IORedis;
  readonly #address: RedisAddress;
  readonly #tell: (message: string) => void;
  readonly #onBack: () => void;
  readonly #waiting = new Set<() => void>();
  #main: Redis | undefined;
  #inTrouble = false;
  #lookedAt = false;
  #patienceEnds: number | undefined;
  #closed = false;

  constructor(options: {
    readonly library: () => typeof IORedis;
    readonly address: RedisAddress;
    readonly tell: (message: string) => void;
    /** It was away, and is back; perhaps empty. */
    readonly onBack: () => void;
  }) {
    this.#library = options.library;
    this.#address = options.address;
    this.#tell = options.tell;
    this.#onBack = options.onBack;
  }

  /** For commands. */
  get main(): Redis {
    return (this.#main ??= this.#connect());
  }

  get isReady(): boolean {
    return !this.#closed && this.main.status === 'ready';
  }

  /** Waits until commands can be sent; false: the signal aborted first, or all is closed. */
  async ready(signal: AbortSignal): Promise<boolean> {
    while (!this.isReady) {
      if (this.#closed || signal.aborted) return false;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.#waiting.delete(go);
          signal.removeEventListener('abort', go);
          resolve();
        };
        this.#waiting.add(go);
        signal.addEventListener('abort', go);
      });
    }
    return !signal.aborted;
  }

  /** The same for those who must not be held up: together they wait for a moment, from then on not at all. */
  async soonReady(): Promise<boolean> {
    if (this.isReady) return true;
    this.#patienceEnds ??= Date.now() + PATIENCE_MS;
    const left = this.#patienceEnds - Date.now();
    if (left > 0 && (await this.ready(AbortSignal.timeout(left)))) return true;
    if (!this.#closed) this.trouble(`cannot be reached (no connection within ${PATIENCE_MS / 1000} s)`);
    return false;
  }

  /**
   * Its own, to be blocked: never comes back by itself, since a blocked command that is sent again unasked would
   * take what nobody waits for any more. Who needs another one makes it.
   */
  async blocking(): Promise<Redis> {
    const { Redis } = this.#library();
    const client = new Redis({
      ...this.#options('waits'),
      // Of BullMQ: a blocked command must not end because of attempts to connect.
      maxRetriesPerRequest: null,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined); // the command that was sent tells
    await client.connect();
    return client;
  }

  /** Once, before the first job: what of the server's settings may lose some. A server that does not tell is believed. */
  async lookAtServer(): Promise<void> {
    if (this.#lookedAt) return;
    const info = await this.main.info().catch(() => '');
    this.#lookedAt = true;
    const valueOf = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const policy = valueOf('maxmemory_policy');
    if (Number(valueOf('maxmemory')) > 0 && policy !== '' && policy !== 'noeviction')
      this.#tell(
        `the queue on ${this.#address.shown} may throw jobs away when its memory is full (maxmemory-policy ${policy}): they reach agents later, when they are pushed again; CONFIG SET maxmemory-policy noeviction`,
      );
  }

  /** A command failed: whether Redis is there has to be seen anew. */
  failed(error: unknown): void {
    const message = messageOf(error);
    if (this.#closed) return;
    if (message === 'Command timed out') this.#main?.disconnect(true);
    const isRefusal = error instanceof Error && error.name === 'ReplyError';
    this.trouble(isRefusal ? `refuses what it is sent (${message})` : `cannot be reached (${message})`);
  }

  /** @param what Of the queue. */
  trouble(what: string): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#tell(
      `the queue on ${this.#address.shown} ${what}: what is queued is in the store, and reaches agents when it is back`,
    );
  }

  /** It did what it is for. */
  worked(): void {
    if (!this.#inTrouble) return;
    this.#inTrouble = false;
    this.#tell(`the queue on ${this.#address.shown} is back`);
    this.#onBack();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
    this.#main?.disconnect();
  }

  #connect(): Redis {
    const { Redis } = this.#library();
    const client = new Redis({
      ...this.#options('commands'),
      enableOfflineQueue: false,
      // What was sent and not answered fails with the connection: who sent it sends it again, or leaves it.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: COMMAND_MS,
      retryStrategy: (times) => Math.min(LONGEST_RETRY_MS, 25 * 2 ** Math.min(times, 10)),
      // After a failover the former primary answers so.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    });
    client.on('error', (error: unknown) => {
      if (!this.#closed) this.trouble(`cannot be reached (${messageOf(error)})`);
    });
    client.on('ready', () => {
      this.#patienceEnds = undefined;
      this.#wake();
      this.worked();
    });
    // That one connection ended is not told: the next one mostly follows at once.
    if (this.#closed) client.disconnect();
    else client.connect().catch(() => undefined); // `error` has told
    return client;
  }

  #options(name: string): RedisOptions {
    return {
      ...this.#address.options,
      lazyConnect: true,
      connectTimeout: COMMAND_MS,
      connectionName: `run-pipeline:${name}:${this.id}`,
      keepAlive: 10_000,
    };
  }

  #wake(): void {
    for (const go of this.#waiting) go();
  }
}

/** Without details: those of a failed AUTH would hold what was sent. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses none answered: the message is empty then.
  const { code } = error as NodeJS.ErrnoException;
  return error.message === '' ? (code ?? error.name) : error.message;
}
