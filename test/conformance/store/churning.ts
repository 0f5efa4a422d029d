import { runId, type TaskId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import { controllersOf, LIMITED, RATED, stepsOf, tasksOf, type Churn, type Told } from './churn.js';
import { bytes, hashOf, LEASE_MS, newRun, OTHER, useStores, type StoreFactory } from './harness.js';

/** `CHURN_SEEDS=1,2,3` makes a campaign of it. */
const SEEDS = (process.env['CHURN_SEEDS'] ?? '20261128').split(',').map(Number);

type Claimed = Extract<Told, { readonly kind: 'claimed' }>;

/** Several processes do everything at once, at random: whatever they are allowed has to fit together. */
export function churnTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  const churnOf = (process: string, seed: number): Churn => ({
    process,
    seed,
    agents: 4,
    tasks: 30,
    steps: 10,
    controllers: 6,
    leaseMs: 600,
  });

  async function prepare(store: Store, churn: Churn): Promise<void> {
    await store.setQueueLimits(LIMITED.name, { concurrency: LIMITED.concurrency });
    await store.setQueueLimits(RATED.name, { rate: RATED.rate });
    for (const id of controllersOf(churn)) {
      const values = [{ hash: hashOf('launch'), bytes: bytes('launch') }];
      const task = { project: 'examples', name: 'iris', type: 'controller', edit: {}, values } as const;
      await store.createRun(
        newRun(id, { queued: true, controller: { task, queue: 'services', priority: 1 } }),
      );
    }
  }
  const tellings = (stdout: string): readonly Told[] =>
    stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Told]));

  for (const seed of SEEDS) {
    test(`seed ${seed}: no attempt has two holders, no limit is exceeded, nothing comes of what is over`, async () => {
      const { store, under } = await fresh();
      const churns = ['a', 'b', 'c'].map((process, index) => churnOf(process, seed + 100 * index));
      await prepare(store, churns[0]!);
      const ends = await Promise.all(churns.map((churn) => under.process({ kind: 'churn', churn })));
      for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
      await judge(
        store,
        churns,
        ends.map(({ stdout }) => tellings(stdout)),
      );
      for (const task of churns.flatMap((churn) => [...tasksOf(churn), ...stepsOf(churn)]))
        expect(await statusOf(store, task)).toMatch(/^(completed|failed|aborted)$/);
    });
  }

  test('a process that is killed in the middle breaks nothing, and others finish what it had', async () => {
    const { store, under } = await fresh();
    const churns = ['a', 'b', 'c'].map((process, index) => churnOf(process, 7 + index));
    await prepare(store, churns[0]!);
    const [killed, ...ends] = await Promise.all([
      // Few claims: on a busy machine the others have taken most before it comes to that.
      under.process({ kind: 'churn', churn: { ...churns[0]!, diesAfter: 4 } }),
      ...churns.slice(1).map((churn) => under.process({ kind: 'churn', churn })),
    ]);
    expect(killed?.signal).toBe('SIGKILL');
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
    await judge(
      store,
      churns,
      [killed!, ...ends].map(({ stdout }) => tellings(stdout)),
    );
    // Its run is dead: what its steps wait for comes with whoever resumes it.
    under.advance(LEASE_MS);
    const run = (await store.getRun(runId('run-a')))!;
    expect(await store.takeRun(run.id, { expectedEpoch: run.epoch, owner: OTHER })).toMatchObject({
      ok: true,
    });
  });

  const statusOf = async (store: Store, task: TaskId): Promise<string | undefined> =>
    (await store.readTask(task))?.status ??
    (await store.readAttempts([task])).get(task)?.status ??
    (await store.getTask(task))?.status;

  async function judge(
    store: Store,
    churns: readonly Churn[],
    told: readonly (readonly Told[])[],
  ): Promise<void> {
    const all = told.flat();
    const of = <K extends Told['kind']>(kind: K) =>
      all.filter((one): one is Extract<Told, { readonly kind: K }> => one.kind === kind);
    const claims = of('claimed');
    const ended = of('ended');
    // Every case was there, or the test says nothing.
    for (const count of [claims, ended, of('over'), of('wrote'), of('withdrawn'), of('committed')])
      expect(count.length).toBeGreaterThan(0);

    // One holder an attempt, a fence of its own, and a higher one than the attempt before.
    expect(twice(claims.map(({ task, attempt }) => `${task} ${attempt}`))).toEqual([]);
    expect(twice(claims.map(({ fence }) => String(fence)))).toEqual([]);
    for (const list of byTask(claims).values()) {
      const fences = list.toSorted((a, b) => a.attempt - b.attempt).map(({ fence }) => fence);
      expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    }
    expect(twice(of('enqueued').map(({ task, attempt }) => `${task} ${attempt}`))).toEqual([]);
    // One end an attempt; what is over stays so.
    expect(twice(ended.map(({ fence }) => String(fence)))).toEqual([]);
    for (const list of told) {
      const over = new Set<number>();
      for (const one of list) {
        if (one.kind === 'over') over.add(one.fence);
        if (one.kind === 'wrote' || one.kind === 'ended') expect(over).not.toContain(one.fence);
      }
    }
    await judgeOutput(store, claims, of('wrote'));
    await judgeEndings(store, ended);
    judgeLimit(claims, ended);
    judgeRate(claims);
    await judgeRuns(store, churns[0]!, of('committed'));
  }

  /** Of each attempt what its holder wrote, all of it, and nothing else. */
  async function judgeOutput(
    store: Store,
    claims: readonly Claimed[],
    wrote: readonly Extract<Told, { readonly kind: 'wrote' }>[],
  ): Promise<void> {
    const rows = new Map<number, number>();
    for (const one of wrote) rows.set(one.fence, (rows.get(one.fence) ?? 0) + one.rows);
    for (const { task, attempt, fence } of claims) {
      const output = await store.readTaskOutput(task, { attempt });
      expect(output.map(({ seq }) => seq)).toEqual(output.map((_, index) => index));
      for (const row of output)
        if (row.kind === 'log') expect(row.text).toMatch(new RegExp(`^${task} ${fence} `));
      // The last answer may have been lost with the process that asked.
      expect(output.length).toBeGreaterThanOrEqual(rows.get(fence) ?? 0);
    }
  }

  async function judgeEndings(
    store: Store,
    ended: readonly Extract<Told, { readonly kind: 'ended' }>[],
  ): Promise<void> {
    for (const [task, list] of byTask(ended.filter(({ how }) => how === 'completed'))) {
      expect(list).toHaveLength(1);
      const [{ fence }] = list as [(typeof list)[number]];
      const ending = await store.readTaskEnding(task);
      if (ending !== undefined) expect(ending).toMatchObject({ status: 'completed', fence });
      const artifacts = await store.readTaskArtifacts(task);
      for (const { record } of artifacts) expect(record.hash).toBe(hashOf(`${task} ${fence}`));
    }
  }

  /** Held for certain: from the answer to a claim to the question that ended it. */
  function judgeLimit(
    claims: readonly Claimed[],
    ended: readonly Extract<Told, { readonly kind: 'ended' }>[],
  ): void {
    const ends = new Map(ended.map(({ fence, asked }) => [fence, asked]));
    const changes = claims.flatMap(({ queue, fence, answered }) => {
      const end = ends.get(fence);
      if (queue !== LIMITED.name || end === undefined) return [];
      return [[answered, 1] as const, [end, -1] as const];
    });
    let held = 0;
    for (const [, change] of changes.toSorted(([a, x], [b, y]) => a - b || x - y)) {
      held += change;
      expect(held).toBeLessThanOrEqual(LIMITED.concurrency);
    }
  }

  function judgeRate(claims: readonly Claimed[]): void {
    const begun = claims.filter(({ queue }) => queue === RATED.name).toSorted((a, b) => a.fence - b.fence);
    const { max, perMs } = RATED.rate;
    for (const [index, one] of begun.entries()) {
      const next = begun[index + max];
      // Whole milliseconds of the store's clock; the machine's has parts of them.
      if (next !== undefined) expect(next.answered - one.asked).toBeGreaterThan(perMs - 2);
    }
  }

  /** Whoever took a run last is the only one that continues it. */
  async function judgeRuns(
    store: Store,
    churn: Churn,
    committed: readonly Extract<Told, { readonly kind: 'committed' }>[],
  ): Promise<void> {
    expect(twice(committed.map(({ run, seq }) => `${run} ${seq}`))).toEqual([]);
    for (const id of controllersOf(churn)) {
      const own = committed.filter(({ run }) => run === runId(id)).toSorted((a, b) => a.seq - b.seq);
      const epochs = own.map(({ epoch }) => epoch);
      expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
      const row = (await store.getRun(runId(id)))!;
      const status = await statusOf(store, id);
      if (status === 'completed') expect(row.status).toBe('completed');
      if (status === 'queued') expect(row.status === 'queued' || row.finishedAt !== undefined).toBe(true);
    }
  }
}

const twice = (values: readonly string[]): readonly string[] => {
  const seen = new Set<string>();
  return values.filter((value) => seen.size === seen.add(value).size);
};

function byTask<T extends { readonly task: TaskId }>(list: readonly T[]): ReadonlyMap<TaskId, readonly T[]> {
  const map = new Map<TaskId, T[]>();
  for (const one of list) map.set(one.task, [...(map.get(one.task) ?? []), one]);
  return map;
}
