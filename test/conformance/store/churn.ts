import { setTimeout as delay } from 'node:timers/promises';
import { runId, stepName, taskId, type RunId, type TaskId } from '@run-pipeline/core/model';
import type { Job, NewJob, QueuedJob, Store } from '@run-pipeline/core/ports';
import { seeded } from '../../rig/random.js';
import { bytes, newRun, newTask, OWNER, Recorder, small } from './fixtures.js';

/**
 * Agents and runs of one process that do to tasks whatever can happen to them, at random: they claim, tell,
 * write, finish, hand back, lose, come late, stop, withdraw and recover. Every one of them says what the
 * store allowed, so that somebody who has heard all of them can tell whether a rule was broken.
 */
export interface Churn {
  readonly process: string;
  readonly seed: number;
  readonly agents: number;
  /** Records of their own, made and enqueued by every process: `t0`, `t1`, … */
  readonly tasks: number;
  /** Steps of this process' own run. */
  readonly steps: number;
  /** Runs that wait with their controllers: `c0`, `c1`, … */
  readonly controllers: number;
  readonly leaseMs: number;
  /** It kills itself, in the middle of all, after so many claims. */
  readonly diesAfter?: number;
}

/** What the store allowed somebody. Times are the machine's, around the call. */
export type Told =
  | { readonly kind: 'enqueued' | 'withdrawn'; readonly task: TaskId; readonly attempt: number }
  | {
      readonly kind: 'claimed';
      readonly task: TaskId;
      readonly queue: string | undefined;
      readonly attempt: number;
      readonly fence: number;
      readonly asked: number;
      readonly answered: number;
    }
  | { readonly kind: 'wrote'; readonly task: TaskId; readonly fence: number; readonly rows: number }
  /** A write or a heartbeat that was refused: nothing of this fence may be allowed any more. */
  | { readonly kind: 'over'; readonly task: TaskId; readonly fence: number }
  | {
      readonly kind: 'ended';
      readonly task: TaskId;
      readonly fence: number;
      readonly how: 'completed' | 'failed' | 'aborted' | 'released';
      readonly asked: number;
    }
  | { readonly kind: 'committed'; readonly run: RunId; readonly epoch: number; readonly seq: number };

export const LIMITED = { name: 'limited', concurrency: 3 } as const;
export const RATED = { name: 'rated', rate: { max: 5, perMs: 400 } } as const;
const QUEUES = [LIMITED.name, RATED.name, 'free', 'services'];

export const tasksOf = ({ tasks }: Churn): readonly TaskId[] =>
  Array.from({ length: tasks }, (_, index) => taskId(`t${index}`));
export const controllersOf = ({ controllers }: Churn): readonly TaskId[] =>
  Array.from({ length: controllers }, (_, index) => taskId(`c${index}`));
export const stepsOf = ({ process, steps }: Churn): readonly TaskId[] =>
  Array.from({ length: steps }, (_, index) => taskId(`run-${process}.s${index}`));

/** Milliseconds of a clock that all processes of a machine share, and that nobody sets. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export async function churn(store: Store, job: Churn, tell: (told: Told) => void): Promise<void> {
  const random = seeded(job.seed);
  const mine = [...tasksOf(job), ...controllersOf(job), ...stepsOf(job)];
  const run = new OwnRun(store, job, tell);
  await run.start();
  await makeTasks(store, job, tell);
  const agents = Array.from({ length: job.agents }, (_, index) =>
    new ChurnAgent(store, job, { tell, seed: random.integer(1, 1e9), name: `${job.process}-${index}` }).work(
      mine,
    ),
  );
  await Promise.all([...agents, run.meddle()]);
}

/** All processes make and enqueue the same ones, in another order: one of them is the first. */
async function makeTasks(store: Store, job: Churn, tell: (told: Told) => void): Promise<void> {
  const { integer, pick } = seeded(job.seed + 1);
  const order = tasksOf(job)
    .map((task) => [integer(0, 1e9), task] as const)
    .toSorted(([a], [b]) => a - b);
  await Promise.all(
    order.map(async ([, task], index) => {
      await store.createTask(newTask(task));
      const queue = [LIMITED.name, RATED.name, 'free'][Number(task.slice(1)) % 3]!;
      const priority = pick([0, 0, 5]);
      const enqueue = async (): Promise<void> => {
        const answer = await store.enqueueTask({ task, kind: 'task', queue, priority });
        if (answer.ok) tell({ kind: 'enqueued', task, attempt: answer.attempt });
      };
      await Promise.all(index % 5 === 0 ? [enqueue(), enqueue()] : [enqueue()]);
    }),
  );
}

/** The run of this process: it queues its steps, takes some of them back, and executes those itself. */
class OwnRun {
  readonly #store: Store;
  readonly #job: Churn;
  readonly #tell: (told: Told) => void;
  readonly #id: RunId;
  #recorder: Recorder | undefined;

  constructor(store: Store, job: Churn, tell: (told: Told) => void) {
    this.#store = store;
    this.#job = job;
    this.#tell = tell;
    this.#id = runId(`run-${job.process}`);
  }

  async start(): Promise<void> {
    this.#recorder = await Recorder.start(this.#store, newRun(this.#id));
    await Promise.all(
      stepsOf(this.#job).map(async (task, index) => {
        const enqueue = async (): Promise<void> => {
          const answer = await this.#store.enqueueTask(this.#jobOf(task, index));
          if (answer.ok) this.#tell({ kind: 'enqueued', task, attempt: answer.attempt });
        };
        // Twice at once: a controller that asks again after it was taken over.
        await Promise.all([enqueue(), enqueue()]);
      }),
    );
  }

  #jobOf(task: TaskId, index: number): NewJob {
    const step = stepName(`s${index}`);
    return {
      task,
      kind: 'step',
      queue: index % 2 === 0 ? LIMITED.name : 'free',
      priority: 0,
      run: { id: this.#id, epoch: 1, step, attempt: 1 },
      spec: bytes(`spec of ${task}`),
    };
  }

  async meddle(): Promise<void> {
    const { integer } = seeded(this.#job.seed + 2);
    const recorder = this.#recorder!;
    for (const [index, task] of stepsOf(this.#job).entries()) {
      if (integer(0, 2) > 0) continue;
      const state = (await this.#store.readAttempts([task])).get(task);
      if (state?.status !== 'queued') continue;
      const { attempt } = state;
      if (!(await this.#store.withdrawTask(task, attempt, { run: this.#id, epoch: 1 }))) continue;
      this.#tell({ kind: 'withdrawn', task, attempt });
      const asked = now();
      const claimed = await recorder.claim(`s${index}`, attempt);
      if (!claimed.ok) throw new Error(`${task} was withdrawn, and is held by ${claimed.holder.pid}`);
      const { fence } = claimed;
      this.#tell({ kind: 'claimed', task, queue: undefined, attempt, fence, asked, answered: now() });
      const at = now();
      const finished = await recorder.commit([], { finish: { task, fence, status: 'completed' } });
      if (!finished.ok) throw new Error(`${task} was taken from its run: ${finished.message}`);
      this.#tell({ kind: 'ended', task, fence, how: 'completed', asked: at });
    }
  }
}

class ChurnAgent {
  readonly #store: Store;
  readonly #job: Churn;
  readonly #tell: (told: Told) => void;
  readonly #name: string;
  readonly #random: ReturnType<typeof seeded>;

  constructor(
    store: Store,
    job: Churn,
    options: { readonly tell: (told: Told) => void; readonly seed: number; readonly name: string },
  ) {
    this.#store = store;
    this.#job = job;
    this.#tell = options.tell;
    this.#name = options.name;
    this.#random = seeded(options.seed);
  }

  async work(tasks: readonly TaskId[]): Promise<void> {
    for (;;) {
      const { job, retryMs } = await this.#store.nextQueued({
        queues: QUEUES,
        order: this.#random.pick(['given', 'fair'] as const),
      });
      if (job !== undefined) {
        await this.#take(job);
        continue;
      }
      await this.#store.recoverTasks();
      if (await this.#allEnded(tasks)) return;
      await delay(Math.min(retryMs ?? 50, 50));
    }
  }

  async #allEnded(tasks: readonly TaskId[]): Promise<boolean> {
    const states = await this.#store.readAttempts(tasks);
    return tasks.every((task) => {
      const status = states.get(task)?.status;
      // Without a state it is executed by its run.
      return status !== 'queued' && status !== 'running' && status !== 'created';
    });
  }

  async #take(queued: QueuedJob): Promise<void> {
    const { task, attempt, queue } = queued;
    const asked = now();
    const claimed = await this.#store.claimQueued({
      task,
      attempt,
      executor: OWNER,
      agent: this.#name,
      leaseMs: this.#job.leaseMs,
    });
    if (!claimed.ok) return;
    const { fence, job } = claimed;
    this.#tell({ kind: 'claimed', task, queue, attempt, fence, asked, answered: now() });
    await this.#assertLimit();
    await this.#write(task, fence);
    if (job.kind === 'controller') await this.#control(job, fence);
    else await this.#execute(job, fence);
  }

  async #assertLimit(): Promise<void> {
    const queue = (await this.#store.listQueues()).find(({ name }) => name === LIMITED.name);
    const running = queue?.running ?? 0;
    if (running > LIMITED.concurrency) throw new Error(`${running} of ${LIMITED.name} run at once`);
  }

  async #write(task: TaskId, fence: number): Promise<boolean> {
    const rows = this.#random.integer(1, 3);
    const lines = Array.from({ length: rows }, (_, index) => `${task} ${fence} ${index}`);
    const kept = await this.#store.appendTaskOutput({
      task,
      fence,
      entries: [
        ...lines.map((text) => ({ kind: 'log', stream: 'stdout', text }) as const),
        { kind: 'artifact', artifact: small('held by', `${task} ${fence}`) },
      ],
    });
    this.#tell(kept ? { kind: 'wrote', task, fence, rows: rows + 1 } : { kind: 'over', task, fence });
    return kept;
  }

  async #execute({ task, attempt }: Job, fence: number): Promise<void> {
    const { integer } = this.#random;
    const what = integer(0, 99);
    if (what < 10) return; // its agent died
    if (what < 22) return this.#release(task, fence);
    if (what < 34) return this.#comeLate(task, fence);
    if (what < 46) {
      for (let beat = integer(1, 3); beat > 0; beat--) {
        await delay(integer(1, this.#job.leaseMs / 4));
        if (!(await this.#beat(task, fence))) return;
        await this.#write(task, fence);
      }
    }
    if (what < 56) await this.#stopAnother(task, attempt);
    const how = what > 95 ? 'failed' : 'completed';
    await this.#finish(task, fence, how);
    if (how === 'failed') await this.#again(task);
  }

  async #beat(task: TaskId, fence: number): Promise<boolean> {
    const alive = await this.#store.heartbeatTask(task, fence, this.#job.leaseMs);
    if (!alive) this.#tell({ kind: 'over', task, fence });
    return alive;
  }

  async #release(task: TaskId, fence: number): Promise<void> {
    const asked = now();
    const done = await this.#store.releaseTask(task, fence, 'the agent stops');
    this.#tell(done ? { kind: 'ended', task, fence, how: 'released', asked } : { kind: 'over', task, fence });
  }

  /** It was suspended for longer than its lease, and does not know what has become of its task. */
  async #comeLate(task: TaskId, fence: number): Promise<void> {
    await delay(this.#job.leaseMs + this.#random.integer(0, this.#job.leaseMs));
    await this.#write(task, fence);
    await this.#finish(task, fence, 'completed');
  }

  async #finish(task: TaskId, fence: number, how: 'completed' | 'failed'): Promise<void> {
    const asked = now();
    const artifacts = [small('result', `${task} ${fence}`)];
    const error = how === 'failed' ? { error: { name: 'Error', message: 'as it happens' } } : {};
    const done = await this.#store.finishTask({ task, fence, status: how, artifacts, ...error });
    this.#tell(done ? { kind: 'ended', task, fence, how, asked } : { kind: 'over', task, fence });
  }

  /** A person stops what runs, twice. */
  async #stopAnother(task: TaskId, attempt: number): Promise<void> {
    const stop = { reason: 'stopped', message: 'not wanted' } as const;
    if (this.#random.integer(0, 2) > 0) return;
    await Promise.all([1, 2].map(() => this.#store.requestTaskStop(task, attempt, stop)));
  }

  /** Two people enqueue what failed at the same moment. */
  async #again(task: TaskId): Promise<void> {
    if (!task.startsWith('t')) return;
    await Promise.all(
      [1, 2].map(async () => {
        const answer = await this.#store.enqueueTask({ task, kind: 'task', queue: 'free', priority: 0 });
        if (answer.ok) this.#tell({ kind: 'enqueued', task, attempt: answer.attempt });
      }),
    );
  }

  async #control({ task }: Job, fence: number): Promise<void> {
    const { integer } = this.#random;
    const row = (await this.#store.getRun(runId(task)))!;
    const taken = await this.#store.takeRun(row.id, { expectedEpoch: row.epoch, owner: OWNER });
    if (!taken.ok) return this.#release(task, fence);
    const recorder = new Recorder(this.#store, { ...row, epoch: taken.epoch, lastSeq: taken.lastSeq });
    const commit = async (bodies: Parameters<Recorder['commit']>[0]): Promise<boolean> => {
      const { seq } = recorder;
      const answer = await recorder.commit(bodies);
      if (answer.ok)
        for (let index = 0; index < bodies.length; index++)
          this.#tell({ kind: 'committed', run: row.id, epoch: taken.epoch, seq: seq + index });
      return answer.ok;
    };
    const { pipeline, project, version, number } = row;
    const begun =
      taken.lastSeq === -1
        ? ({ type: 'run.start', pipeline, project, version, number, parameters: {}, steps: [] } as const)
        : ({ type: 'run.resume', epoch: taken.epoch } as const);
    if (!(await commit([begun]))) return this.#release(task, fence);
    const what = integer(0, 99);
    if (what < 15) return; // its agent died
    if (what < 30) return this.#release(task, fence);
    if (what < 45) {
      await delay(this.#job.leaseMs + integer(0, this.#job.leaseMs));
      if (!(await this.#beat(task, fence))) return;
    }
    if (!(await commit([{ type: 'run.end', status: 'completed', durationMs: 1 }]))) return;
    await this.#finish(task, fence, 'completed');
  }
}
