import { runId, stepName, taskId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import {
  hashOf,
  newRun,
  OTHER,
  printOf,
  Recorder,
  stepEnd,
  text,
  useStores,
  type StoreFactory,
} from './harness.js';

export function processTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  test('two processes that make runs at once give every number once', async () => {
    const { store, under } = await fresh();
    const ends = await Promise.all(
      ['left', 'right'].map((prefix) => under.process({ kind: 'create-runs', prefix, count: 40 })),
    );
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
    const runs = await store.findRuns({ pipeline: 'iris' });
    expect(runs.map(({ number }) => number).reverse()).toEqual(
      Array.from({ length: 80 }, (_, index) => index + 1),
    );
    expect(new Set(runs.map(({ version }) => version)).size).toBe(80);
  });

  test('two processes write their runs into one store at once, and nothing is lost', async () => {
    const { store, under } = await fresh();
    const runs = ['a', 'b', 'c'];
    const own = await Recorder.start(store, newRun('own'));
    const children = Promise.all(runs.map((run) => under.process({ kind: 'append', run, count: 150 })));
    for (let index = 0; index < 50; index++) await own.commit([stepEnd(`s${index}`)]);
    for (const end of await children) expect(end).toMatchObject({ code: 0, stderr: '' });
    for (const run of runs) {
      const events = await store.readEvents(runId(run));
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 152 }, (_, index) => index));
      expect((await store.getRun(runId(run)))?.status).toBe('completed');
    }
    expect(await store.readEvents(own.id)).toHaveLength(51);
  });

  // The passes: 1 makes the run, 2 starts it, 3 claims, 4 finishes the step.
  for (const [point, survives] of [
    ['before-begin', false],
    ['after-begin', false],
    ['before-commit', false],
    ['after-commit', true],
  ] as const) {
    test(`killed at ${point}, a commit is there ${survives ? 'as a whole' : 'not at all'}, and the run goes on`, async () => {
      const { store, under } = await fresh();
      const end = await under.process(
        { kind: 'finish-step', run: 'r1' },
        { RUN_PIPELINE_CRASH_AT: `${point}:4` },
      );
      expect(end.signal).toBe('SIGKILL');
      expect(end.stdout).toBe('created started claimed ');
      const id = runId('r1');
      const step = stepName('train');
      const task = taskId('r1.train');
      const seen = {
        events: (await store.readEvents(id)).map(({ type }) => type),
        lastSeq: (await store.getRun(id))?.lastSeq,
        artifacts: (await store.readArtifacts(id, step)).map(({ record, inline }) => [
          record.name,
          text(inline),
        ]),
        value: text(await store.readValue(hashOf('a parameter'))),
        task: (await store.getTask(task))?.status,
        entry: (await store.findCacheEntry(printOf('train')))?.run,
        preimage: (await store.readPreimage(id, step))?.parts.length,
        pinned: (await store.pinned([hashOf('large')])).size,
      };
      expect(seen).toEqual(
        survives
          ? {
              events: ['run.start', 'step.end'],
              lastSeq: 1,
              artifacts: [
                ['result', 'small'],
                ['model', undefined],
              ],
              value: 'a parameter',
              task: 'completed',
              entry: 'r1',
              preimage: 1,
              pinned: 1,
            }
          : {
              events: ['run.start'],
              lastSeq: 0,
              artifacts: [],
              value: undefined,
              task: 'running',
              entry: undefined,
              preimage: undefined,
              pinned: 0,
            },
      );
      const taken = await store.takeRun(id, { expectedEpoch: 1, owner: OTHER });
      if (!taken.ok) throw new Error('nobody else has it');
      const recorder = new Recorder(store, { id, epoch: taken.epoch, lastSeq: taken.lastSeq });
      expect(await recorder.commit([{ type: 'run.resume', epoch: taken.epoch }])).toEqual({ ok: true });
      expect((await recorder.claim('train', 2)).ok).toBe(!survives);
      expect(await recorder.end()).toEqual({ ok: true });
    });
  }
}
