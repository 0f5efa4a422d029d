import { randomBytes } from 'node:crypto';
import type { Digest, Fingerprint, RunId, StepName, TaskEdit, TaskId } from '@run-pipeline/core/model';
import type {
  Collected,
  CollectPolicy,
  Commit,
  EventQuery,
  NewAgent,
  NewEnding,
  NewJob,
  NewRun,
  NewTask,
  ProcessIdentity,
  QueueLimitsEdit,
  RunOwnership,
  RunQuery,
  Store,
  TaskClaim,
  TaskQuery,
  TaskStop,
} from '@run-pipeline/core/ports';
import { heartbeatAgent, listAgents, registerAgent, removeAgent } from './agents.js';
import {
  abortTask,
  claimQueued,
  leaveTask,
  readAttempts,
  readTaskStops,
  releaseTask,
  requestTaskStop,
  setTaskExecutor,
  startTask,
} from './attempts.js';
import { giveController } from './controllers.js';
import { dropCacheEntry, findCacheEntries, readValues } from './cache-entries.js';
import { collect, pinned } from './collect.js';
import { applyCommit } from './commit.js';
import { connect, patiently, type Connection } from './connection.js';
import { describeArtifact, readArtifacts, readEvents } from './events.js';
import { claimFingerprint, heartbeatFingerprints, releaseFingerprint } from './flights.js';
import { GroupCommit, type Change } from './group-commit.js';
import { clearQueue, enqueueTask, listQueued, withdrawTask } from './jobs.js';
import { recoverTasks } from './lost-attempts.js';
import { nextQueued } from './next-queued.js';
import { latestPreimages, readPreimage } from './preimages.js';
import { setQueueLimits } from './queue-limits.js';
import { createQueue, listQueues } from './queues.js';
import {
  countRuns,
  createRun,
  findRuns,
  getRun,
  heartbeatRun,
  putRunDocument,
  readRunDocuments,
  requestStop,
  takeRun,
} from './runs.js';
import { finishAttempt, readTaskArtifacts, readTaskEnding } from './task-endings.js';
import { appendTaskOutput, readTaskOutput } from './task-output.js';
import { createTask, editTask, findTasks, publishTask, readTask } from './task-records.js';
import { expiredAttempts } from './task-state.js';
import { claimTask, getTask, heartbeatTask, listTasks } from './tasks.js';
import { Watchers } from './watchers.js';

export interface SqliteStoreOptions {
  /** Path of the database; its directory is made when it does not exist. */
  readonly file: string;
  /** Opens an existing store; every change is an error `read-only`. Default false. */
  readonly readonly?: boolean;
  /** The store's clock, in milliseconds since 1970; for tests. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Opens the store in a SQLite file, which any number of processes of this machine may share. Rejects
 * with a `RunPipelineError` of kind `store`: `store-newer`, `store-older` (read-only), `store-foreign`,
 * `store-damaged`, `store-unreachable`, `store-busy`, `read-only`, `disk-full`, `store-io`; the same
 * codes come from every operation.
 *
 * @example
 * const store = await openSqliteStore({ file: '.run-pipeline/state.db' });
 * const runs = await store.findRuns({ limit: 10 });
 * await store.close();
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const connection = await connect({ file: options.file, readonly: options.readonly ?? false });
  return new SqliteStore(connection, options.now ?? Date.now);
}

const dataVersion = (connection: Connection): number => Number(connection.get('PRAGMA data_version')![0]);

const LEASE = { durable: false } as const;

/** What a process tells of itself while it works; everything else is a result. */
const PROGRESS: ReadonlySet<string> = new Set(['step.add', 'step.start', 'step.log', 'step.report']);
const isOutcome = (commit: Commit): boolean =>
  commit.finish !== undefined ||
  commit.cacheEntry !== undefined ||
  commit.events.some((event) => !PROGRESS.has(event.type));

/** The port, operation by operation; what they do is in the files named after what they are about. */
class SqliteStore implements Store {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #writer: GroupCommit;
  readonly #watchers: Watchers;
  #secret: Uint8Array | undefined;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
    this.#watchers = new Watchers(() => dataVersion(connection));
    this.#writer = new GroupCommit(connection, now, () => this.#watchers.wake());
  }

  /** Reads see what is committed. They wait for nobody in WAL mode, except a recovery. */
  #read<T>(query: (connection: Connection) => T): Promise<T> {
    return patiently(this.#connection.file, () => {
      this.#connection.assertOpen();
      return query(this.#connection);
    });
  }

  #write<T>(change: Change<T>, options: { readonly durable: boolean } = { durable: true }): Promise<T> {
    return this.#writer.submit(change, options);
  }

  createRun(run: NewRun) {
    // Told to nobody before its `run.start` is durable; unless it is left to others.
    return this.#write(
      (batch) => {
        const row = createRun(batch, run);
        giveController(batch, run);
        return row;
      },
      { durable: run.queued === true },
    );
  }
  getRun(id: RunId) {
    return this.#read((connection) => getRun(connection, id, this.#now()));
  }
  findRuns(query: RunQuery) {
    return this.#read((connection) => findRuns(connection, query, this.#now()));
  }
  countRuns() {
    return this.#read(countRuns);
  }
  takeRun(run: RunId, options: Parameters<Store['takeRun']>[1]) {
    return this.#write((batch) => takeRun(batch, run, options));
  }
  heartbeatRun(run: RunId, epoch: number) {
    return this.#write((batch) => heartbeatRun(batch, run, epoch), LEASE);
  }
  requestStop(run: RunId, reason: string) {
    return this.#write((batch) => requestStop(batch, run, reason));
  }

  commit(commit: Commit) {
    return this.#write((batch) => applyCommit(batch, commit), { durable: isOutcome(commit) });
  }
  readEvents(run: RunId, options?: EventQuery) {
    return this.#read((connection) => readEvents(connection, run, options));
  }
  readArtifacts(run: RunId, step: StepName) {
    return this.#read((connection) => readArtifacts(connection, run, step));
  }
  describeArtifact(hash: Digest) {
    return this.#read((connection) => describeArtifact(connection, hash));
  }
  async readValue(hash: Digest) {
    return (await this.readValues([hash])).get(hash);
  }
  readValues(hashes: readonly Digest[]) {
    return this.#read((connection) => readValues(connection, hashes));
  }

  claimTask(claim: TaskClaim) {
    return this.#write((batch) => claimTask(batch, claim), LEASE);
  }
  heartbeatTask(task: TaskId, fence: number, leaseMs: number) {
    return this.#write((batch) => heartbeatTask(batch, task, fence, leaseMs), LEASE);
  }
  getTask(task: TaskId) {
    return this.#read((connection) => getTask(connection, task, this.#now()));
  }
  listTasks(query: Parameters<Store['listTasks']>[0]) {
    return this.#read((connection) => listTasks(connection, query, this.#now()));
  }

  createTask(task: NewTask) {
    return this.#write((batch) => createTask(batch, task));
  }
  readTask(task: TaskId) {
    return this.#read((connection) => readTask(connection, task, this.#now()));
  }
  findTasks(query: TaskQuery) {
    return this.#read((connection) => findTasks(connection, query, this.#now()));
  }
  editTask(task: TaskId, edit: TaskEdit, options: Parameters<Store['editTask']>[2] = {}) {
    return this.#write((batch) => editTask(batch, task, edit, options));
  }
  publishTask(task: TaskId) {
    return this.#write((batch) => publishTask(batch, task));
  }
  abortTask(task: TaskId, reason: string) {
    return this.#write((batch) => abortTask(batch, task, reason));
  }

  enqueueTask(job: NewJob) {
    // A step is enqueued again by its run, should a power failure take it back; others by nobody.
    return this.#write((batch) => enqueueTask(batch, job), { durable: job.run === undefined });
  }
  withdrawTask(task: TaskId, attempt: number, by?: RunOwnership) {
    return this.#write((batch) => withdrawTask(batch, { task, attempt, by }), LEASE);
  }
  nextQueued(query: Parameters<Store['nextQueued']>[0]) {
    return this.#read((connection) => nextQueued(connection, query, this.#now()));
  }
  claimQueued(claim: Parameters<Store['claimQueued']>[0]) {
    return this.#write((batch) => claimQueued(batch, claim), LEASE);
  }
  setTaskExecutor(task: TaskId, fence: number, executor: ProcessIdentity) {
    return this.#write((batch) => setTaskExecutor(batch, task, fence, executor), LEASE);
  }
  startTask(claim: Parameters<Store['startTask']>[0]) {
    return this.#write((batch) => startTask(batch, claim), LEASE);
  }
  leaveTask(task: TaskId, fence: number, options?: Parameters<Store['leaveTask']>[2]) {
    return this.#write((batch) => leaveTask(batch, task, fence, options));
  }
  releaseTask(task: TaskId, fence: number, reason: string) {
    return this.#write((batch) => releaseTask(batch, task, fence, reason), LEASE);
  }
  appendTaskOutput(output: Parameters<Store['appendTaskOutput']>[0]) {
    return this.#write((batch) => appendTaskOutput(batch, output), LEASE);
  }
  readTaskOutput(task: TaskId, query?: Parameters<Store['readTaskOutput']>[1]) {
    return this.#read((connection) => readTaskOutput(connection, task, query));
  }
  finishTask(ending: NewEnding) {
    return this.#write((batch) => finishAttempt(batch, ending));
  }
  readTaskEnding(task: TaskId) {
    return this.#read((connection) => readTaskEnding(connection, task));
  }
  readTaskArtifacts(task: TaskId) {
    return this.#read((connection) => readTaskArtifacts(connection, task));
  }
  readAttempts(tasks: readonly TaskId[]) {
    return this.#read((connection) => readAttempts(connection, tasks, this.#now()));
  }
  requestTaskStop(task: TaskId, attempt: number, stop: TaskStop, by?: RunOwnership) {
    return this.#write((batch) => requestTaskStop(batch, { task, attempt, by }, stop));
  }
  readTaskStops(tasks: readonly TaskId[]) {
    return this.#read((connection) => readTaskStops(connection, tasks));
  }
  async recoverTasks() {
    // Asked for often, by many, and mostly for nothing: that costs no transaction.
    const expired = await this.#read((connection) => expiredAttempts(connection, this.#now()));
    if (expired.length === 0) return { requeued: [], failed: [], aborted: [] };
    return this.#write((batch) => recoverTasks(batch));
  }

  registerAgent(agent: NewAgent) {
    return this.#write((batch) => registerAgent(batch, agent), LEASE);
  }
  heartbeatAgent(agent: string, state: Parameters<Store['heartbeatAgent']>[1]) {
    return this.#write((batch) => heartbeatAgent(batch, agent, state), LEASE);
  }
  removeAgent(agent: string) {
    return this.#write((batch) => removeAgent(batch, agent), LEASE);
  }
  listAgents(query: Parameters<Store['listAgents']>[0] = {}) {
    return this.#read((connection) => listAgents(connection, query, this.#now()));
  }
  listQueues() {
    return this.#read((connection) => listQueues(connection, this.#now()));
  }
  createQueue(name: string) {
    return this.#write((batch) => createQueue(batch, name));
  }
  setQueueLimits(queue: string, edit: QueueLimitsEdit) {
    return this.#write((batch) => setQueueLimits(batch, queue, edit));
  }
  listQueued(queue: string) {
    return this.#read((connection) => listQueued(connection, queue));
  }
  clearQueue(queue: string) {
    return this.#write((batch) => clearQueue(batch, queue));
  }
  watch(listener: () => void) {
    this.#connection.assertOpen();
    return this.#watchers.add(listener);
  }

  async findCacheEntry(fingerprint: Fingerprint) {
    return (await this.findCacheEntries([fingerprint])).get(fingerprint);
  }
  findCacheEntries(fingerprints: readonly Fingerprint[]) {
    return this.#read((connection) => findCacheEntries(connection, fingerprints, this.#now()));
  }
  dropCacheEntry(fingerprint: Fingerprint) {
    return this.#write((batch) => dropCacheEntry(batch.connection, fingerprint));
  }
  async latestPreimage(query: Parameters<Store['latestPreimage']>[0]) {
    return (await this.#read((connection) => latestPreimages(connection, query))).get(query.step);
  }
  latestPreimages(query: Parameters<Store['latestPreimages']>[0]) {
    return this.#read((connection) => latestPreimages(connection, query));
  }
  readPreimage(run: RunId, step: StepName) {
    return this.#read((connection) => readPreimage(connection, run, step));
  }
  claimFingerprint(fingerprint: Fingerprint, holder: Parameters<Store['claimFingerprint']>[1]) {
    return this.#write((batch) => claimFingerprint(batch, fingerprint, holder), LEASE);
  }
  heartbeatFingerprints(run: RunId, leaseMs: number) {
    return this.#write((batch) => heartbeatFingerprints(batch, run, leaseMs), LEASE);
  }
  releaseFingerprint(fingerprint: Fingerprint, run: RunId, owner: ProcessIdentity) {
    return this.#write((batch) => releaseFingerprint(batch, fingerprint, run, owner), LEASE);
  }

  putRunDocument(run: RunId, name: string, bytes: Uint8Array) {
    return this.#write((batch) => putRunDocument(batch, run, name, bytes));
  }
  async readRunDocument(run: RunId, name: string) {
    return (await this.readRunDocuments([run], name)).get(run);
  }
  readRunDocuments(runs: readonly RunId[], name: string) {
    return this.#read((connection) => readRunDocuments(connection, runs, name));
  }

  async secretKey() {
    const select = `SELECT value FROM meta WHERE key = 'secret'`;
    this.#secret ??= (await this.#read((connection) => connection.get(select)))?.[0] as
      Uint8Array | undefined;
    this.#secret ??= await this.#write(({ connection }) => {
      connection.run(`INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', ?)`, randomBytes(32));
      return connection.get(select)![0] as Uint8Array;
    });
    return this.#secret;
  }

  async collect(policy: CollectPolicy): Promise<Collected> {
    const collected = await this.#writer.alone((batch) => collect(batch, policy), { keep: !policy.dryRun });
    // Gives pages back to the file system, in one bounded go; the rest is used again.
    if (!policy.dryRun) await this.#read((connection) => connection.exec('PRAGMA incremental_vacuum(20000)'));
    return collected;
  }
  pinned(hashes: readonly Digest[]) {
    return this.#read((connection) => pinned(connection, hashes));
  }

  changeCounter() {
    // data_version counts commits of other connections only, our count those of this one.
    return this.#read((connection) => dataVersion(connection) + this.#writer.commits);
  }

  /** Waits for what was submitted. Later calls reject with `store-closed`. */
  async close(): Promise<void> {
    this.#watchers.close();
    await this.#writer.settled();
    this.#connection.close();
  }
}
