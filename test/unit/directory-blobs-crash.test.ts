import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Digest } from '@run-pipeline/core/model';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryBlobs } from '../../packages/runtime/src/artifacts/index.js';

let directory: string;
let writer: string;

const WRITER = `
import { directoryBlobs } from './directory-blobs.js';
const [root, seed] = process.argv.slice(2);
const blobs = directoryBlobs(root);
for (let index = 0; ; index++) {
  const bytes = Buffer.alloc(1 + ((index * 7919) % 3_000_000), seed + ' ' + index + ' ');
  const { hash } = await blobs.put(bytes);
  process.stdout.write(hash + '\\n');
}`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crash-'));
  writer = join(directory, 'writer.mjs');
  const core = (room: string): string =>
    fileURLToPath(new URL(`../../packages/core/src/${room}/index.ts`, import.meta.url));
  await build({
    stdin: {
      contents: WRITER,
      resolveDir: fileURLToPath(new URL('../../packages/runtime/src/artifacts', import.meta.url)),
    },
    outfile: writer,
    bundle: true,
    format: 'esm',
    platform: 'node',
    alias: { '@run-pipeline/core/model': core('model') },
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Kills the writer as soon as it has reported so many blobs; it is then in the middle of the next one. */
async function writeUntilKilled(root: string, seed: number, reports: number): Promise<readonly Digest[]> {
  const child = spawn(process.execPath, [writer, root, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const reported: Digest[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^sha256:[0-9a-f]{64}$/.test(line)) reported.push(line as Digest);
    if (reported.length === reports) child.kill('SIGKILL');
  }
  await exited;
  return reported;
}

test('a writer killed at any moment leaves what it had reported, whole blobs only, and files that are swept', async () => {
  const root = join(directory, 'blobs');
  const rounds = [1, 2, 3, 5, 8, 13];
  const reported = (
    await Promise.all(rounds.map((reports, seed) => writeUntilKilled(root, seed, reports)))
  ).flat();
  expect(reported.length).toBeGreaterThanOrEqual(rounds.reduce((sum, reports) => sum + reports, 0));

  const blobs = directoryBlobs(root);
  for (const hash of reported) expect(await blobs.read(hash)).toMatchObject({ ok: true });
  for await (const { hash } of blobs.list()) expect(await blobs.read(hash)).toMatchObject({ ok: true });
  await writeFile(join(root, 'tmp', 'abandoned'), 'half');
  expect((await blobs.sweep(-1000)).removed).toBeGreaterThanOrEqual(1);
  expect(await blobs.sweep(-1000)).toEqual({ removed: 0 });
  for (const hash of reported) expect(await blobs.read(hash)).toMatchObject({ ok: true });
});
