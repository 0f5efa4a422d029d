import { createHash, hash } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { repeat, repository } from '../measure.mjs';

/** Artifacts against the plainest way to do the same: the room is bundled from its sources. */
export async function* values({ wanted }) {
  const directory = mkdtempSync(join(repository, 'bench', '.values-'));
  try {
    const outfile = join(directory, 'artifacts.mjs');
    await build({
      entryPoints: [join(repository, 'packages/runtime/src/artifacts/index.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile,
      logLevel: 'silent',
    });
    const artifacts = await import(outfile);
    yield* bigArray(artifacts, directory, wanted);
    yield* rows(artifacts, directory, wanted);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function* bigArray({ encodeValue, decodeValue, directoryBlobs }, directory, wanted) {
  const name = 'values: 80 MB Float64Array, durable write + verified read';
  if (!wanted(name)) return;
  const array = Float64Array.from({ length: 1e7 }, (_, i) => i * 1.5);
  const bytes = new Uint8Array(array.buffer);
  const plain = await repeat(5, () =>
    timed(() => {
      const path = join(directory, 'plain.bin');
      const fd = openSync(path, 'w');
      writeSync(fd, bytes);
      fsyncSync(fd);
      closeSync(fd);
      const back = readFileSync(path);
      createHash('sha256').update(back).digest();
    }),
  );
  let round = 0;
  const ours = await repeat(5, () =>
    timed(async () => {
      array[0] = ++round; // new content: nothing is there yet
      const blobs = directoryBlobs(join(directory, 'blobs'));
      const { record, inline } = await encodeValue(array, { name: 'x', blobs, now: new Date() });
      await decodeValue(
        {
          codec: record.type,
          codecVersion: record.codecVersion,
          hash: record.hash,
          inline,
          meta: record.meta,
        },
        { blobs, directory: join(directory, 'tmp') },
      );
    }),
  );
  yield {
    name,
    measured: ours / plain,
    unit: 'x',
    budget: 1.5,
    compared: `${ours.toFixed(0)} ms; write + fsync + read + sha256: ${plain.toFixed(0)} ms`,
  };
}

async function* rows({ encodeValue, directoryBlobs }, directory, wanted) {
  const name = 'values: 100k rows x 5, artifact write';
  if (!wanted(name)) return;
  const table = Array.from({ length: 100_000 }, (_, i) => ({
    id: i,
    name: `row ${i}`,
    value: i / 7,
    flag: i % 2 === 0,
    note: null,
  }));
  const plain = await repeat(5, () => timed(() => hash('sha256', JSON.stringify(table))));
  const json = await repeat(5, () => timed(() => JSON.stringify(table)));
  const blobs = directoryBlobs(join(directory, 'rows'));
  let round = 0;
  const ours = await repeat(5, () =>
    timed(async () => {
      table[0].id = --round;
      await encodeValue(table, { name: 'x', blobs, now: new Date() });
    }),
  );
  yield {
    name,
    measured: ours / json,
    unit: 'x',
    budget: 3,
    compared: `${ours.toFixed(0)} ms; JSON.stringify: ${json.toFixed(0)} ms, with sha256: ${plain.toFixed(0)} ms`,
  };
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
