import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest } from '@run-pipeline/core/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { directoryPackages } from './directory-packages.js';

const ONE = digest(`sha256:${'1'.repeat(64)}`);
const TWO = digest(`sha256:${'2'.repeat(64)}`);
const KEY = 'ab12';
let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'run-pipeline-packages-')), 'packages');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

async function listed(): Promise<readonly string[]> {
  const hashes: string[] = [];
  for await (const { hash } of directoryPackages(directory).list()) hashes.push(hash);
  return hashes.toSorted();
}

test('what one machine writes another one reads; what is not there is undefined', async () => {
  await directoryPackages(directory).write(ONE, Buffer.from('code'));
  const other = directoryPackages(directory);
  expect(Buffer.from((await other.read(ONE))!).toString()).toBe('code');
  expect(await other.age(ONE)).toBeLessThan(60_000);
  expect([await other.read(TWO), await other.age(TWO)]).toEqual([undefined, undefined]);
  expect(await listed()).toEqual([ONE]);
});

test('signatures lie beside their package, are no packages, and go with it', async () => {
  const packages = directoryPackages(directory);
  await packages.write(ONE, Buffer.from('code'));
  await packages.write(TWO, Buffer.from('more'));
  expect(await packages.readSignature(ONE, KEY)).toBeUndefined();
  await packages.writeSignature(ONE, KEY, Buffer.from('signed'));
  expect(Buffer.from((await packages.readSignature(ONE, KEY))!).toString()).toBe('signed');
  expect(await packages.readSignature(TWO, KEY)).toBeUndefined();
  expect(await listed()).toEqual([ONE, TWO]);
  await packages.delete(ONE);
  expect([await packages.read(ONE), await packages.readSignature(ONE, KEY)]).toEqual([undefined, undefined]);
  expect(readdirSync(directory)).toEqual(['2'.repeat(64)]);
});

test('names that are no hashes and no ids of keys never become paths', async () => {
  const packages = directoryPackages(directory);
  await expect(async () => packages.read('sha256:../../etc/passwd' as never)).rejects.toThrow();
  await expect(async () => packages.writeSignature(ONE, '../x', new Uint8Array())).rejects.toThrow(
    'hexadecimal',
  );
  await expect(async () => packages.readSignature(ONE, 'a/b')).rejects.toThrow('hexadecimal');
});

test('an empty store lists nothing, and deleting what is not there is nothing', async () => {
  expect(await listed()).toEqual([]);
  await directoryPackages(directory).delete(ONE);
});
