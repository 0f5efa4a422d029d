import { runId, stepName, taskId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { writeSync } from 'node:fs';
import { churn, type Churn } from './churn.js';
import {
  bytes,
  hashOf,
  large,
  LEASE_MS,
  newRun,
  OTHER,
  printOf,
  Recorder,
  small,
  stepEnd,
} from './fixtures.js';

/** What a process of its own can be asked to do with a store. */
export type ChildJob =
  | { readonly kind: 'create-runs'; readonly prefix: string; readonly count: number }
  | { readonly kind: 'append'; readonly run: string; readonly count: number }
  | { readonly kind: 'finish-step'; readonly run: string }
  /** Takes and ends what waits, so many at a time; prints what it got. */
  | { readonly kind: 'claim-jobs'; readonly queue: string; readonly claimers: number }
  /** The same, of a queue with a limit: waits for a place; fails when more of it run than may. */
  | {
      readonly kind: 'claim-limited';
      readonly queue: string;
      readonly claimers: number;
      readonly limit: number;
    }
  /** Prints what it was allowed, a line each. */
  | { readonly kind: 'churn'; readonly churn: Churn };

export async function doJob(store: Store, job: ChildJob): Promise<void> {
  switch (job.kind) {
    case 'create-runs':
      for (let index = 0; index < job.count; index++) {
        await store.createRun(newRun(`${job.prefix}-${index}`, { version: undefined }));
      }
      return;
    case 'append': {
      const recorder = await Recorder.start(store, newRun(job.run));
      for (let index = 0; index < job.count; index++) {
        const result = await recorder.commit([stepEnd(`s${index}`)]);
        if (!result.ok) throw new Error(result.message);
      }
      await recorder.end();
      return;
    }
    case 'finish-step':
      return finishStep(store, job.run);
    case 'claim-jobs':
      return claimJobs(store, job);
    case 'claim-limited':
      return claimLimited(store, job);
    case 'churn':
      return churnAndTell(store, job.churn);
  }
}

function churnAndTell(store: Store, job: Churn): Promise<void> {
  let claims = 0;
  return churn(store, job, (told) => {
    writeSync(1, `${JSON.stringify(told)}\n`);
    if (told.kind === 'claimed' && ++claims === job.diesAfter) process.kill(process.pid, 'SIGKILL');
  });
}

/** Four commits, each awaited: a crash point's pass number says in which of them to die. */
async function finishStep(store: Store, run: string): Promise<void> {
  // Synchronous writes: what a killed process had told must not be lost in a buffer.
  const tell = (word: string): void => void writeSync(1, `${word} `);
  const recorder = new Recorder(store, await store.createRun(newRun(run)));
  tell('created');
  await recorder.commit([
    {
      type: 'run.start',
      pipeline: 'iris',
      project: 'examples',
      version: '1',
      number: 1,
      parameters: {},
      steps: [],
    },
  ]);
  tell('started');
  const claim = await recorder.claim('train');
  if (!claim.ok) throw new Error('nobody else claims it');
  tell('claimed');
  const step = stepName('train');
  await recorder.complete('train', [small('result', 'small'), large('model', 'large')], {
    finish: { task: taskId(`${runId(run)}.train`), fence: claim.fence, status: 'completed' },
    values: [{ hash: hashOf('a parameter'), bytes: bytes('a parameter') }],
    preimages: [
      { step, fingerprint: printOf('train'), parts: [{ kind: 'format', name: 'format', hash: '1' }] },
    ],
  });
  tell('finished');
}

async function claimJobs(
  store: Store,
  { queue, claimers }: { readonly queue: string; readonly claimers: number },
): Promise<void> {
  const claimed: { readonly task: string; readonly fence: number }[] = [];
  const claimer = async (): Promise<void> => {
    for (;;) {
      const { job } = await store.nextQueued({ queues: [queue], order: 'given' });
      if (job === undefined) return;
      const { task, attempt } = job;
      const claim = { task, attempt, executor: OTHER, agent: 'agent', leaseMs: LEASE_MS };
      const result = await store.claimQueued(claim);
      if (!result.ok) continue;
      claimed.push({ task, fence: result.fence });
      const ended = { task, fence: result.fence, status: 'completed', artifacts: [] } as const;
      if (!(await store.finishTask(ended))) throw new Error(`${task} was ended by somebody else`);
    }
  };
  await Promise.all(Array.from({ length: claimers }, claimer));
  writeSync(1, JSON.stringify(claimed));
}

async function claimLimited(
  store: Store,
  { queue, claimers, limit }: Extract<ChildJob, { readonly kind: 'claim-limited' }>,
): Promise<void> {
  const claimed: string[] = [];
  const bell = new Bell();
  const unwatch = store.watch(() => bell.ring());
  const claimer = async (): Promise<void> => {
    for (;;) {
      const rung = bell.next();
      const { job } = await store.nextQueued({ queues: [queue], order: 'given' });
      if (job === undefined) {
        if ((await store.listQueued(queue)).length === 0) return;
        await rung;
        continue;
      }
      const { task, attempt } = job;
      const claim = { task, attempt, executor: OTHER, agent: 'agent', leaseMs: LEASE_MS };
      const result = await store.claimQueued(claim);
      if (!result.ok) continue;
      const running = (await store.listQueues()).find(({ name }) => name === queue)!.running;
      if (running > limit) throw new Error(`${running} of ${queue} run at once`);
      claimed.push(task);
      await store.finishTask({ task, fence: result.fence, status: 'completed', artifacts: [] });
    }
  };
  await Promise.all(Array.from({ length: claimers }, claimer));
  unwatch();
  writeSync(1, JSON.stringify(claimed));
}

/** Rings for all who wait. */
class Bell {
  #ring = (): void => {};
  #next = this.#made();

  next(): Promise<void> {
    return this.#next;
  }

  ring(): void {
    this.#ring();
    this.#next = this.#made();
  }

  #made(): Promise<void> {
    return new Promise((resolve) => (this.#ring = resolve));
  }
}
