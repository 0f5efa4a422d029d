import { randomUUID } from 'node:crypto';
import type * as Pg from 'pg';
import type { PostgresAddress } from './address.js';
import { isLost } from './postgres-error.js';

/** Connecting takes longer than this nowhere but at a server that does not answer. */
const CONNECT_MS = 10_000;
/** A server that fell silent in the middle of a statement is a lost connection. */
export const SILENCE_MS = 60_000;
/** What a suspended process holds (the locks of runs and of pins) is given back after this long. */
const IDLE_IN_TRANSACTION_MS = 20_000;
/** A process that waits for its steps does not keep connections from others. */
const IDLE_MS = 10_000;
/** Statements are prepared by name as long as there are not more texts than this. */
const MOST_PREPARED = 400;

export interface PoolOptions {
  readonly driver: typeof Pg;
  readonly address: PostgresAddress;
  readonly size: number;
  /** Statements that every connection begins with. */
  readonly settings?: string;
  /** How long a statement may take, when nothing else is said. Default 60 s. */
  readonly silenceMs?: number;
}

/**
 * A few connections, made when they are needed and closed when they were not for a while. Who waits for one
 * gets it in order of arrival. Idle ones do not keep the process alive.
 */
export class Pool {
  readonly #idle: Session[];
  readonly #all: readonly Session[];
  readonly #waiting: ((session: Session) => void)[] = [];

  constructor(options: PoolOptions) {
    const statements = new PreparedNames();
    this.#all = Array.from({ length: options.size }, () => new Session(options, statements));
    this.#idle = [...this.#all];
  }

  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    // The one used last: the others may be closed.
    const session = this.#idle.pop() ?? (await new Promise<Session>((give) => this.#waiting.push(give)));
    try {
      await session.connect();
      return await work(session);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        session.rest();
        this.#idle.push(session);
      } else next(session);
    }
  }

  /** Ids of the connections that have changed something. */
  get writers(): readonly string[] {
    return this.#all.filter(({ wrote }) => wrote).map(({ id }) => id);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((session) => session.close()));
  }
}

type Answer = readonly (readonly unknown[])[];

/** The driver reads it, its types do not know of it. */
interface Query extends Pg.QueryArrayConfig {
  readonly query_timeout: number;
}

/** One connection at a time: where it is lost, `connect` makes the next. */
export class Session {
  /** Of its row in `writers`. */
  readonly id = randomUUID();
  readonly #options: PoolOptions;
  readonly #statements: PreparedNames;
  /** How long a statement may take; longer only where it waits for others, or does much. */
  silenceMs: number;
  #client: Pg.Client | undefined;
  #number = 0;
  #closing: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions, statements: PreparedNames) {
    this.#options = options;
    this.#statements = statements;
    this.silenceMs = options.silenceMs ?? SILENCE_MS;
  }

  /** Rises with every transaction. */
  nextNumber(): number {
    return ++this.#number;
  }

  get wrote(): boolean {
    return this.#number > 0;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  async connect(): Promise<void> {
    clearTimeout(this.#closing);
    if (this.#client !== undefined) {
      reference(this.#client, true);
      return;
    }
    const { driver, address, settings = '' } = this.#options;
    const client = await openClient(driver, address);
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    await this.script(`${sessionSettings(address)}; ${settings}`);
  }

  /** Statements without parameters, in one message. Answers each. */
  async script(text: string): Promise<readonly Answer[]> {
    const answer = (await this.#ask({ text, rowMode: 'array', query_timeout: this.silenceMs })) as unknown;
    return (Array.isArray(answer) ? answer : [answer]).map((one: Pg.QueryArrayResult) => one.rows);
  }

  async query(text: string, values: readonly unknown[]): Promise<Answer> {
    return (await this.#ask(this.#prepared(text, values))).rows as Answer;
  }

  /** The number of rows changed. */
  async run(text: string, values: readonly unknown[]): Promise<number> {
    return (await this.#ask(this.#prepared(text, values))).rowCount ?? 0;
  }

  #prepared(text: string, values: readonly unknown[]): Query {
    const name = this.#statements.of(text);
    const query: Query = {
      text,
      values: values.map(withoutNul),
      rowMode: 'array',
      query_timeout: this.silenceMs,
    };
    return name === undefined ? query : { ...query, name };
  }

  async #ask(query: Query): Promise<Pg.QueryArrayResult> {
    const client = this.#client;
    // Never on a new one: it would be outside of the transaction.
    if (client === undefined) throw new Error('Connection terminated');
    try {
      return await client.query(query);
    } catch (error) {
      if (isLost(error)) this.discard();
      throw error;
    }
  }

  /** Nothing is asked of this connection any more. */
  discard(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    reference(client, false); // its end may never come
    client.end().catch(() => {});
  }

  /** It is not used for now. */
  rest(): void {
    const client = this.#client;
    if (client === undefined) return;
    reference(client, false);
    this.#closing = setTimeout(() => void this.close(), IDLE_MS);
    this.#closing.unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#closing);
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    reference(client, true);
    await client.end().catch(() => {});
  }
}

/** Opens a connection as all of ours are; its end is `end`, never an uncaught error. */
export async function openClient(driver: typeof Pg, address: PostgresAddress): Promise<Pg.Client> {
  const client = new driver.Client({
    connectionString: address.url,
    ...(address.tls === undefined ? {} : { ssl: address.tls }),
    application_name: 'run-pipeline',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser: parserOf(driver) },
  });
  client.on('error', () => {}); // told by the statement that was asked, or by the next
  await client.connect();
  return client;
}

/** Of every connection, before anything else: the schema of our tables is the only one that is searched. */
export const sessionSettings = (address: PostgresAddress): string =>
  `SET search_path = ${address.schema}; SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}; ` +
  `SET client_min_messages = warning; SET standard_conforming_strings = on; ` +
  // Plans are kept as they were made, which is when the tables were empty: never one that reads all of them.
  `SET enable_seqscan = off; SET jit = off`;

/** Whether it keeps the process alive. The driver has both, its types do not know of them. */
function reference(client: Pg.Client, alive: boolean): void {
  const { ref, unref } = client as unknown as { ref(): void; unref(): void };
  (alive ? ref : unref).call(client);
}

/** The one character that a text of PostgreSQL cannot hold (JSON never does); a lone surrogate becomes the same. */
function withoutNul(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  return Array.isArray(value) ? value.map(withoutNul) : value;
}

const BYTEA = 17;
const INT8 = 20;
const NUMERIC = 1700;

/** `bigint` holds times, counts and sizes: all of them safe integers. */
function parserOf(driver: typeof Pg): Pg.CustomTypesConfig['getTypeParser'] {
  const { types } = driver;
  return ((oid: number, format: 'text' | 'binary' | undefined) => {
    if (oid === INT8 || oid === NUMERIC) return Number;
    const parse = types.getTypeParser(oid, format as 'text') as (text: string) => unknown;
    if (oid !== BYTEA) return parse;
    // A copy of its own: small buffers of Node's share their memory.
    return (text: string) => new Uint8Array(parse(text) as Buffer);
  }) as Pg.CustomTypesConfig['getTypeParser'];
}

/** A text has the same name on each connection of a process. */
class PreparedNames {
  readonly #names = new Map<string, string>();

  of(text: string): string | undefined {
    let name = this.#names.get(text);
    if (name === undefined && this.#names.size < MOST_PREPARED) {
      name = `s${this.#names.size}`;
      this.#names.set(text, name);
    }
    return name;
  }
}
