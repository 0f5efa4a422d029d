import { runId, stepName, taskId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { writeSync } from 'node:fs';
import { bytes, hashOf, large, newRun, printOf, Recorder, small, stepEnd } from './fixtures.js';

/** What a process of its own can be asked to do with a store. */
export type ChildJob =
  | { readonly kind: 'create-runs'; readonly prefix: string; readonly count: number }
  | { readonly kind: 'append'; readonly run: string; readonly count: number }
  | { readonly kind: 'finish-step'; readonly run: string };

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
  }
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
