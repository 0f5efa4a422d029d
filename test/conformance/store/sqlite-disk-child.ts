import { isRunPipelineError, runId } from '@run-pipeline/core/model';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openSqliteStore } from '../../../packages/runtime/src/store/index.js';
import { newRun, Recorder, stepLog } from './fixtures.js';

/** Prints one line of JSON: what happened to a store on a disk that is full, or cannot be written. */
const [job, file] = process.argv.slice(2) as ['fill' | 'open' | 'create', string];
const codeOf = (error: unknown): unknown =>
  isRunPipelineError(error) ? `${error.kind}/${error.code}` : String(error);

async function fill(): Promise<unknown> {
  const ballast = join(dirname(file), 'ballast');
  writeFileSync(ballast, Buffer.alloc(512 * 1024, 1));
  const store = await openSqliteStore({ file });
  const recorder = await Recorder.start(store, newRun('r1'));
  const text = 'x'.repeat(4000);
  let told = 0;
  let failure: unknown;
  while (failure === undefined && told < 10_000) {
    try {
      await recorder.commit([stepLog('a', text)]);
      told++;
    } catch (error) {
      failure = codeOf(error);
    }
  }
  const whileFull = (await store.readEvents(recorder.id)).length;
  rmSync(ballast);
  recorder.seq = (await store.getRun(recorder.id))!.lastSeq + 1;
  const after = await recorder.commit([stepLog('a', 'after')]);
  await store.close();
  const again = await openSqliteStore({ file });
  const seqs = (await again.readEvents(runId('r1'))).map(({ seq }) => seq);
  await again.close();
  return {
    failure,
    whileFull: whileFull === told + 1,
    after,
    dense: seqs.every((seq, index) => seq === index),
    kept: seqs.length === told + 2,
  };
}

async function open(): Promise<unknown> {
  // Root may write everywhere; everything is loaded by now, so nobody will do.
  if (job === 'open' && process.getuid?.() === 0) process.seteuid?.(65534);
  try {
    const store = await openSqliteStore({ file });
    await store.createRun(newRun('r1'));
    return 'opened';
  } catch (error) {
    return codeOf(error);
  }
}

console.log(JSON.stringify(await (job === 'fill' ? fill() : open())));
