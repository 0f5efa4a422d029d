import type { Digest, Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import { RunPipelineError } from '@run-pipeline/core/model';
import type {
  CollectPolicy,
  Commit,
  EventQuery,
  NewRun,
  ProcessIdentity,
  RunQuery,
  Store,
} from '@run-pipeline/core/ports';
import type { LatestQuery } from '../rows/preimage.js';
import { readAddress } from './address.js';
import { dropCacheEntry, findCacheEntries } from './cache-entries.js';
import { collect, pinned } from './collect.js';
import { applyCommit } from './commit.js';
import { Connection } from './connection.js';
import { giveController } from './controllers.js';
import { loadDriver } from './driver.js';
import { describeArtifact, readArtifacts, readEvents } from './events.js';
import { Flights, heartbeatFingerprints } from './flights.js';
import { runLane } from './lanes.js';
import { PostgresTasks } from './postgres-tasks.js';
import { latestPreimages, readPreimage } from './preimages.js';
import {
  countRuns,
  createRun,
  findRuns,
  getRun,
  heartbeatRun,
  putRunDocument,
  readRunDocuments,
  requestStop,
  rowOf,
  takeRun,
} from './runs.js';
import { secretKey } from './secret-key.js';
import { readValues } from './values.js';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`; `?schema=` names the schema of the tables, `run_pipeline` if not given. */
  readonly url: string;
  /** `RUN_PIPELINE_STORE_PATIENCE_MS`: how long an operation is tried again when the server is away. Default 60 s. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the package `pg` is looked for when it is not beside this one. Default: the current directory. */
  readonly cwd?: string;
  /** Added to the server's clock, in milliseconds; for tests. Default 0. */
  readonly clockOffset?: () => number;
}

/**
 * Opens the store in a PostgreSQL database, which any number of processes of any machine may share; its
 * tables are made when there are none. Rejects with a `RunPipelineError`: kind `usage`, code
 * `driver-missing`, `store-address`; kind `store`, code `store-unreachable`, `store-refused`, `store-newer`,
 * `store-foreign`, `store-server`, `store-busy`, `store-damaged`, `store-io`, `read-only`, `disk-full`. The
 * codes of kind `store` come from every operation.
 *
 * @example
 * const store = await openPostgresStore({ url: 'postgres://me@localhost/pipelines', env: process.env });
 * const runs = await store.findRuns({ limit: 10 });
 * await store.close();
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const address = readAddress(options.url);
  const driver = await loadDriver(options.cwd ?? process.cwd());
  const connection = new Connection({
    address,
    driver,
    patienceMs: patienceOf(options.env),
    clockOffset: options.clockOffset ?? (() => 0),
  });
  await connection.prepare();
  return new PostgresStore(connection);
}

const DEFAULT_PATIENCE_MS = 60_000;

function patienceOf(env: PostgresStoreOptions['env']): number {
  const text = env['RUN_PIPELINE_STORE_PATIENCE_MS'];
  if (text === undefined || text === '') return DEFAULT_PATIENCE_MS;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RunPipelineError({
    kind: 'usage',
    code: 'invalid-setting',
    message: `RUN_PIPELINE_STORE_PATIENCE_MS=${text} is no number of milliseconds`,
    help: 'Give a whole number such as 60000, or unset it.',
  });
}

/** The port, operation by operation; what they do is in the files named after what they are about. */
class PostgresStore extends PostgresTasks implements Store {
  readonly #flights: Flights;
  #secret: Uint8Array | undefined;

  constructor(connection: Connection) {
    super(connection);
    this.#flights = new Flights(connection);
  }

  createRun(run: NewRun) {
    // Runs that are made in one moment have their numbers in that order.
    return this.write({ name: `pipeline ${run.project} ${run.pipeline}` }, async (batch) => {
      const state = await createRun(batch, run);
      await giveController(batch, run);
      return rowOf(batch, state);
    });
  }
  getRun(id: RunId) {
    return this.read((sql) => getRun(sql, id));
  }
  findRuns(query: RunQuery) {
    return this.read((sql) => findRuns(sql, query));
  }
  countRuns() {
    return this.read(countRuns);
  }
  takeRun(run: RunId, options: Parameters<Store['takeRun']>[1]) {
    return this.write(runLane(run), (batch) => takeRun(batch, run, options));
  }
  heartbeatRun(run: RunId, epoch: number) {
    return this.renew((sql) => heartbeatRun(sql, run, epoch));
  }
  requestStop(run: RunId, reason: string) {
    return this.write(runLane(run), (batch) => requestStop(batch, run, reason));
  }

  commit(commit: Commit) {
    return this.write(runLane(commit.run), (batch) => applyCommit(batch, commit));
  }
  readEvents(run: RunId, options?: EventQuery) {
    return this.read((sql) => readEvents(sql, run, options));
  }
  readArtifacts(run: RunId, step: StepName) {
    return this.read((sql) => readArtifacts(sql, run, step));
  }
  describeArtifact(hash: Digest) {
    return this.read((sql) => describeArtifact(sql, hash));
  }
  async readValue(hash: Digest) {
    return (await this.readValues([hash])).get(hash);
  }
  readValues(hashes: readonly Digest[]) {
    return this.read((sql) => readValues(sql, hashes));
  }

  async findCacheEntry(fingerprint: Fingerprint) {
    return (await this.findCacheEntries([fingerprint])).get(fingerprint);
  }
  findCacheEntries(fingerprints: readonly Fingerprint[]) {
    return this.read((sql) => findCacheEntries(sql, fingerprints));
  }
  dropCacheEntry(fingerprint: Fingerprint) {
    return this.write({ name: `entry ${fingerprint}` }, (batch) => dropCacheEntry(batch, fingerprint));
  }
  async latestPreimage(query: Parameters<Store['latestPreimage']>[0]) {
    return (await this.latestPreimages(query)).get(query.step);
  }
  latestPreimages(query: LatestQuery) {
    return this.read((sql) => latestPreimages(sql, query));
  }
  readPreimage(run: RunId, step: StepName) {
    return this.read((sql) => readPreimage(sql, run, step));
  }
  claimFingerprint(fingerprint: Fingerprint, holder: Parameters<Store['claimFingerprint']>[1]) {
    return this.#flights.claim(fingerprint, holder);
  }
  heartbeatFingerprints(run: RunId, leaseMs: number) {
    return this.renew((sql) => heartbeatFingerprints(sql, run, leaseMs));
  }
  releaseFingerprint(fingerprint: Fingerprint, run: RunId, owner: ProcessIdentity) {
    return this.write(runLane(run), async (batch) => batch.releaseFlight(fingerprint, run, owner));
  }

  putRunDocument(run: RunId, name: string, bytes: Uint8Array) {
    return this.write(runLane(run), (batch) => putRunDocument(batch, run, name, bytes));
  }
  async readRunDocument(run: RunId, name: string) {
    return (await this.readRunDocuments([run], name)).get(run);
  }
  readRunDocuments(runs: readonly RunId[], name: string) {
    return this.read((sql) => readRunDocuments(sql, runs, name));
  }

  async secretKey() {
    this.#secret ??= await this.read(secretKey);
    return this.#secret;
  }

  collect(policy: CollectPolicy) {
    const options = { pins: 'exclusive', keep: policy.dryRun !== true } as const;
    return this.connection.transact((sql) => collect(sql, policy), options);
  }
  pinned(hashes: readonly Digest[]) {
    return this.read((sql) => pinned(sql, hashes));
  }

  /** The sum of all transactions' numbers. */
  changeCounter() {
    return this.read(async (sql) => {
      const [row] = await sql.query<readonly [number]>('SELECT coalesce(sum(last), 0) FROM writers');
      return row![0];
    });
  }

  /** Waits for what was submitted. Later calls reject with `store-closed`. */
  async close(): Promise<void> {
    this.listeners.close();
    await Promise.all([this.lanes.settled(), this.#flights.settled()]);
    await this.connection.close();
  }
}
