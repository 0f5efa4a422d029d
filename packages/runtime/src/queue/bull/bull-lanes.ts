import type { Job, Queue, Worker } from 'bullmq';
import type { BullMQ } from './driver.js';
import { bullPriority, jobId, laneName, laneOf, type Lane, type PushedJob } from './lane.js';
import type { RedisConnections } from './redis-connections.js';

/** From taking a job to saying what came of it: a claim. Who needs longer shares the job with the next one. */
const LOCK_MS = 3_000;
/** Jobs whose lock has run out are looked for so often, by whoever waits for jobs. */
const STALLED_EVERY_MS = 1_000;

/** Ids alone: all that is to be known of a job is in the store. */
interface JobData {
  readonly task: string;
  readonly attempt: number;
}

export interface TakenJob {
  readonly lane: Lane;
  readonly data: PushedId;
  /** It needs no carrying any more. */
  remove(): Promise<void>;
  /** In front of its priority again, for anybody. */
  putBack(): Promise<void>;
}

/** BullMQ's queues, one a lane, over one connection; made when they are first needed. */
export class BullLanes {
  readonly #library: () => typeof BullMQ;
  readonly #connections: RedisConnections;
  readonly prefix: string;
  readonly #lanes = new Map<string, BullLane>();
  #backend: Promise<BullMQ.RedisConnection> | undefined;

  constructor(options: {
    readonly library: () => typeof BullMQ;
    readonly connections: RedisConnections;
    readonly prefix: string;
  }) {
    this.#library = options.library;
    this.#connections = options.connections;
    this.prefix = options.prefix;
  }

  /** A key of our own, beside those of BullMQ. */
  key(name: string): string {
    return `${this.prefix}:${name}`;
  }

  /** Names of all lanes that hold or held something, as far as Redis remembers. */
  async known(): Promise<readonly Lane[]> {
    const names = await this.#connections.main.zrange(this.key(LANES), 0, -1);
    return names.flatMap((name) => laneOf(name) ?? []);
  }

  async forget(lanes: readonly Lane[], before: number): Promise<void> {
    if (lanes.length === 0) return;
    const key = this.key(LANES);
    const names = lanes.map(laneName);
    const used = await this.#connections.main.zmscore(key, ...names);
    const old = names.filter((_, index) => Number(used[index] ?? before) < before);
    if (old.length > 0) await this.#connections.main.zrem(key, ...old);
  }

  async push(job: PushedJob): Promise<void> {
    const name = laneName(job);
    // Noted first: a lane of which nobody knows is not looked at.
    const noted = this.#connections.main.zadd(this.key(LANES), Date.now(), name);
    await Promise.all([noted, this.of(job).then((lane) => lane.add(job))]);
  }

  /** Waits until BullMQ knows the server; fails when there is no connection. */
  async of(lane: Lane): Promise<BullLane> {
    const name = laneName(lane);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const backend = await this.#connected();
    const made = this.#lanes.get(name) ?? this.#make(name, lane, backend);
    this.#lanes.set(name, made);
    return made;
  }

  async #connected(): Promise<BullMQ.RedisConnection> {
    this.#backend ??= this.#open().catch((error: unknown) => {
      this.#backend = undefined; // it asks the server for its version, once: that has to be asked again
      throw error;
    });
    return this.#backend;
  }

  async #open(): Promise<BullMQ.RedisConnection> {
    const { RedisConnection } = this.#library();
    const connection = new RedisConnection(this.#connections.main, {
      shared: true,
      blocking: false,
      // It would tell of eviction on the console, in the middle of what is shown; what it does on Redis before 6.0.6
      // instead is right on every later one.
      skipVersionCheck: true,
    });
    connection.on('error', () => undefined); // of the client, which tells it itself
    await connection.client;
    await this.#connections.lookAtServer();
    return connection;
  }

  #make(name: string, lane: Lane, connection: BullMQ.RedisConnection): BullLane {
    const { Queue, QueueKeys, RedisQueueBackend, Worker } = this.#library();
    const keys = new QueueKeys(this.prefix);
    const toKey = (type: string): string => keys.toKey(name, type);
    // Without a blocking connection each: one waits for all of them.
    const backend = (_name: string, options: BullMQ.QueueBaseOptions): BullMQ.RedisQueueBackend =>
      new RedisQueueBackend(connection, name, keys.getKeys(name), toKey, options, undefined, false);
    const common = { connection: this.#connections.main, prefix: this.prefix };
    const queue = new Queue<JobData>(
      name,
      {
        ...common,
        streams: { events: { maxLen: KEPT_EVENTS } },
        // Retries are ours, and what has been taken is nobody's to keep.
        defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
      },
      backend,
    );
    const worker = new Worker<JobData>(
      name,
      null,
      {
        ...common,
        autorun: false,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_EVERY_MS,
        // That agents die before they claim is no fault of the job, however often: the store counts what matters.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        skipLockRenewal: true,
      },
      backend,
    );
    // What fails, fails where it was asked for.
    queue.on('error', () => undefined);
    worker.on('error', () => undefined);
    return new BullLane({ lane, queue, worker, connections: this.#connections });
  }
}

const LANES = 'lanes';
/** Nobody listens to BullMQ's events. */
const KEPT_EVENTS = 10;

/** One lane in Redis. Its keys are those of BullMQ 6, which is what the version range of the package promises. */
export class BullLane {
  readonly lane: Lane;
  readonly #queue: Queue<JobData>;
  readonly #worker: Worker<JobData>;
  readonly #connections: RedisConnections;
  #tokens = 0;

  constructor(options: {
    readonly lane: Lane;
    readonly queue: Queue<JobData>;
    readonly worker: Worker<JobData>;
    readonly connections: RedisConnections;
  }) {
    this.lane = options.lane;
    this.#queue = options.queue;
    this.#worker = options.worker;
    this.#connections = options.connections;
  }

  /** Is there when a job may be, and is got by one of those who wait for it. */
  get marker(): string {
    return this.#queue.toKey('marker');
  }

  /** One that is there already stays as it is. */
  async add(job: PushedJob): Promise<void> {
    const data: JobData = { task: job.task, attempt: job.attempt };
    await this.#queue.add('job', data, { jobId: jobId(job), priority: bullPriority(job.priority) });
  }

  /** Undefined: there is none. */
  async take(): Promise<TakenJob | undefined> {
    for (;;) {
      const token = `${this.#connections.id}:${this.#tokens++}`;
      const job = await this.#worker.getNextJob(token, { block: false });
      if (job === undefined) return undefined;
      const taken = this.#taken(job, token);
      if (taken !== undefined) return taken;
      await job.moveToCompleted(null, token, false); // not one of ours
    }
  }

  #taken(job: Job<JobData>, token: string): TakenJob | undefined {
    const { task, attempt } = (job.data ?? {}) as Partial<JobData>;
    if (typeof task !== 'string' || !Number.isSafeInteger(attempt)) return undefined;
    return {
      lane: this.lane,
      data: { task: task as PushedJob['task'], attempt: attempt! },
      async remove() {
        await job.moveToCompleted(null, token, false);
      },
      putBack: async () => {
        await job.moveToWait(token);
        this.ring();
      },
    };
  }

  /** Tells one of those who wait that there may be a job. */
  ring(): void {
    this.#connections.main.zadd(this.marker, 0, '0').catch(() => undefined); // the next look finds it
  }

  /** Jobs that were taken, and of which nobody said in time what came of them, wait again. */
  async recoverStalled(): Promise<void> {
    await this.#worker.getBackend().moveStalledJobsToWait();
  }

  /** The job that comes next, without taking it. */
  async head(): Promise<Head | undefined> {
    const { main } = this.#connections;
    const [again, next] = await Promise.all([
      main.lindex(this.#queue.toKey('wait'), -1),
      main.zrange(this.#queue.toKey('prioritized'), 0, 0, 'WITHSCORES'),
    ]);
    // Those that were taken before come first.
    if (again !== null) return { id: again, rank: 0 };
    const [id, score] = next;
    return id === undefined ? undefined : { id, rank: Math.floor(Number(score) / 2 ** 32) };
  }

  /** When this job was pushed, by the clock of who did. */
  async pushedAt(id: string): Promise<number> {
    return Number(await this.#connections.main.hget(this.#queue.toKey(id), 'timestamp'));
  }

  async count(): Promise<number> {
    const { main } = this.#connections;
    const [again, next, taken] = await Promise.all([
      main.llen(this.#queue.toKey('wait')),
      main.zcard(this.#queue.toKey('prioritized')),
      main.llen(this.#queue.toKey('active')),
    ]);
    return again + next + taken;
  }

  /** Ids of what waits, and of what is taken. */
  async ids(): Promise<{ readonly waiting: readonly string[]; readonly taken: readonly string[] }> {
    const { main } = this.#connections;
    const [again, next, taken] = await Promise.all([
      main.lrange(this.#queue.toKey('wait'), 0, -1),
      main.zrange(this.#queue.toKey('prioritized'), 0, -1),
      main.lrange(this.#queue.toKey('active'), 0, -1),
    ]);
    return { waiting: [...again, ...next], taken };
  }

  /** What was taken meanwhile stays. */
  async remove(id: string): Promise<void> {
    await this.#queue.remove(id).catch(() => undefined);
  }
}

type PushedId = Pick<PushedJob, 'task' | 'attempt'>;

export interface Head {
  readonly id: string;
  /** Lower is sooner. */
  readonly rank: number;
}
