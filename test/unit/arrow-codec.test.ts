import * as arrow from 'apache-arrow';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  arrowCodec,
  clearCodecs,
  decodeValue,
  directoryBlobs,
  encodeValue,
  registerCodec,
} from '../../packages/runtime/src/artifacts/index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'arrow-'));
});
afterEach(async () => {
  clearCodecs();
  await rm(directory, { recursive: true, force: true });
});

async function roundTrip(
  value: unknown,
): Promise<{ readonly read: unknown; readonly type: string; readonly preview: string | undefined }> {
  const blobs = directoryBlobs(join(directory, 'blobs'));
  const { record, inline } = await encodeValue(value, { name: 'table', blobs, now: new Date(0) });
  const read = await decodeValue({ codec: record.type, ...record, inline }, { blobs, directory });
  return { read, type: record.type, preview: record.preview };
}

const table = (rows: number): arrow.Table =>
  arrow.tableFromArrays({
    id: Int32Array.from({ length: rows }, (_, index) => index),
    score: Float64Array.from({ length: rows }, (_, index) => index / 3),
    name: Array.from({ length: rows }, (_, index) => (index % 3 === 0 ? null : `n${index}`)),
  });

test.each([0, 3, 100_000])(
  'an Arrow table of %i rows comes back with its columns and types',
  async (rows) => {
    registerCodec(arrowCodec(arrow));
    const { read, type, preview } = await roundTrip(table(rows));
    expect(type).toBe('arrow');
    expect(preview).toBe(`Arrow table, ${rows} rows × 3 columns`);
    expect(read).toBeInstanceOf(arrow.Table);
    const back = read as arrow.Table;
    expect(back.numRows).toBe(rows);
    expect(back.schema.toString()).toBe(table(rows).schema.toString());
    for (const row of rows === 0 ? [] : [0, rows - 1])
      expect(back.get(row)?.toJSON()).toEqual(table(rows).get(row)?.toJSON());
  },
);

test('an Arrow table inside another value comes back', async () => {
  registerCodec(arrowCodec(arrow));
  const { read, type } = await roundTrip({ accuracy: 0.9, scores: table(3) });
  expect(type).toBe('superjson');
  expect((read as { scores: arrow.Table }).scores.toArray().map(String)).toEqual(
    table(3).toArray().map(String),
  );
});

test('an Arrow table without the codec is an error that says how to register it', async () => {
  await expect(roundTrip({ scores: table(3) })).rejects.toMatchObject({
    code: 'artifact-lossy',
    message: 'table.scores is an Arrow table without a codec',
    help: expect.stringContaining('registerCodec(arrowCodec(arrow))') as unknown,
  });
});
