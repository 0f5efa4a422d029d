import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Digest, TaskPackage } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import type { PackagePlace, Signing } from '../project/project.js';
import { newKeyPair, readSigner, readTrust } from '../signing/index.js';
import { hashOf } from './digest.js';
import { materialisePackage } from './materialise.js';
import { packPackage, unpackPackage } from './package-archive.js';
import { packageFile, packageHash } from './package-file.js';
import { packageScript } from './script/package-script.js';
import { ensurePackage, publishPackages } from './shared-packages.js';
import { requireSignature, signPackages } from './signatures.js';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readAssets, readPackage, readTexts } from './write-packages.js';

let directory: string;
let shared: DirectoryPackages;
let here: PackagePlace;
let task: TaskPackage;

/** Packages as files of a directory, which a test can look at and damage. */
class DirectoryPackages implements PackageStore {
  readonly ages = new Map<Digest, number>();
  readonly written: Digest[] = [];
  readonly signatures = new Map<string, Uint8Array>();
  readonly #directory: string;

  constructor(path: string) {
    this.#directory = path;
    mkdirSync(path, { recursive: true });
  }

  path(hash: Digest): string {
    return join(this.#directory, hash.slice(7));
  }

  async write(hash: Digest, bytes: Uint8Array): Promise<void> {
    writeFileSync(this.path(hash), bytes);
    this.ages.set(hash, 0);
    this.written.push(hash);
  }

  async read(hash: Digest): Promise<Uint8Array | undefined> {
    return this.ages.has(hash) ? readFileSync(this.path(hash)) : undefined;
  }

  async age(hash: Digest): Promise<number | undefined> {
    return this.ages.get(hash);
  }

  async *list(): AsyncGenerator<{ hash: Digest; size: number; ageMs: number }> {
    for (const [hash, ageMs] of this.ages) yield { hash, ageMs, size: readFileSync(this.path(hash)).length };
  }

  async delete(hash: Digest): Promise<void> {
    rmSync(this.path(hash), { force: true });
    this.ages.delete(hash);
  }

  async writeSignature(hash: Digest, key: string, signature: Uint8Array): Promise<void> {
    this.signatures.set(`${hash} ${key}`, signature);
  }

  async readSignature(hash: Digest, key: string): Promise<Uint8Array | undefined> {
    return this.signatures.get(`${hash} ${key}`);
  }
}

const UNSIGNED: Signing = { signer: undefined, trust: undefined };
const place = (
  name: string,
  packages: PackageStore | undefined,
  signing: Signing = UNSIGNED,
): PackagePlace => {
  const root = join(directory, name);
  mkdirSync(root, { recursive: true });
  return { cwd: root, root, home: join(root, '.run-pipeline'), packages, signing };
};

beforeEach(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'shared-packages-')));
  shared = new DirectoryPackages(join(directory, 'shared'));
  here = place('here', shared);
  writeFileSync(join(here.root, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(here.root, 'words.txt'), 'ä word \u2028 and\u0000another');
  writeFileSync(
    join(here.root, 'script.ts'),
    `const where: string = import.meta.url;\nexport const found = where + '\u2028';\n`,
  );
  task = await packageScript({ paths: here, file: 'script.ts', assets: ['./words.txt'] });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a package is the same package on another machine, with its assets, and with a map of that machine', async () => {
  await publishPackages(here, [task.hash]);
  const there = place('there', shared);
  const got = await ensurePackage(there, task.hash);
  expect(got).toEqual({ ...task, directory: expect.stringContaining(there.home) });
  expect(readFileSync(join(got!.directory, 'assets/words.txt'))).toEqual(
    readFileSync(join(here.root, 'words.txt')),
  );
  expect(readTexts(there, task.hash)?.root).toBe(`file://${there.root}/`);
  // From now on it is there, whatever becomes of what is shared.
  await shared.delete(task.hash);
  expect(await ensurePackage(there, task.hash)).toEqual(got);
  const { file } = await materialisePackage({ paths: there, package: got! });
  expect(readFileSync(file, 'utf8')).not.toContain(here.root);
});

test('it is written once, again when it is about to be collected, and by each process that looks', async () => {
  await publishPackages(here, [task.hash, task.hash]);
  await publishPackages(here, [task.hash]);
  expect(shared.written).toEqual([task.hash]);
  const again = new DirectoryPackages(join(directory, 'shared'));
  again.ages.set(task.hash, 23 * 3_600_000);
  await publishPackages({ ...here, packages: again }, [task.hash]);
  expect(again.written).toEqual([]);
  const later = new DirectoryPackages(join(directory, 'shared'));
  later.ages.set(task.hash, 25 * 3_600_000);
  await publishPackages({ ...here, packages: later }, [task.hash]);
  expect(later.written).toEqual([task.hash]);
});

test('one that could not be written is tried again by the next who needs it', async () => {
  const { write } = shared;
  shared.write = () => Promise.reject(new Error('the bucket is away'));
  await expect(publishPackages(here, [task.hash])).rejects.toThrow('the bucket is away');
  shared.write = write;
  await publishPackages(here, [task.hash]);
  expect(shared.written).toEqual([task.hash]);
});

test('what is not in this home is published by whoever made it; without other machines nothing is to be done', async () => {
  await publishPackages(place('there', shared), [task.hash]);
  expect(shared.written).toEqual([]);
  await publishPackages({ ...here, packages: undefined }, [task.hash]);
  expect(await ensurePackage(place('alone', undefined), task.hash)).toBeUndefined();
});

test('many who need it at once get it once', async () => {
  await publishPackages(here, [task.hash]);
  const there = place('there', shared);
  let reads = 0;
  const { read } = shared;
  shared.read = (hash) => {
    reads += 1;
    return read.call(shared, hash);
  };
  await Promise.all(Array.from({ length: 20 }, () => ensurePackage(there, task.hash)));
  expect(reads).toBe(1);
});

test('what is damaged is never kept, and makes room for the next who publishes it', async () => {
  await publishPackages(here, [task.hash]);
  const there = place('there', shared);
  const whole = readFileSync(shared.path(task.hash));
  for (const wrong of [
    whole.subarray(0, -1),
    Buffer.concat([whole, Buffer.from('more')]),
    Buffer.from(whole.toString('latin1').replace('found', 'other'), 'latin1'),
    Buffer.from(whole.toString('latin1').replace('another', 'an other'), 'latin1'),
    Buffer.from(''),
    Buffer.from('null\n'),
    Buffer.from('{"format":1,"parts":[["code",1e9],["asset",-1,"x"]]}\n'),
    Buffer.from('{"format":1,"parts":[1]}\n'),
  ]) {
    await shared.write(task.hash, wrong);
    expect(await ensurePackage(there, task.hash)).toBeUndefined();
    expect(await shared.age(task.hash)).toBeUndefined();
  }
  expect(readPackage(there, task.hash)).toBeUndefined();
  const restarted = new DirectoryPackages(join(directory, 'shared'));
  await publishPackages({ ...here, packages: restarted }, [task.hash]);
  expect(await ensurePackage({ ...there, packages: restarted }, task.hash)).toBeDefined();
});

test('a copy that was damaged here is replaced by what is shared', async () => {
  await publishPackages(here, [task.hash]);
  writeFileSync(packageFile(here, task.hash), 'damaged');
  expect(await ensurePackage(here, task.hash)).toEqual(task);
});

test.each([
  '../../evil',
  'assets/../../evil',
  '/etc/evil',
  'assets//evil',
  'assets/a\\..\\evil',
  'other/evil',
])('an asset called %s is refused, though the hashes fit', (path) => {
  const texts = readTexts(here, task.hash)!;
  const [bytes] = readAssets(task).values();
  const manifest = JSON.stringify({
    ...task.manifest,
    assets: [{ ...task.manifest.assets[0], path }],
  });
  const evil = { code: texts.code, map: texts.map, manifest, lock: texts.lock };
  const packed = packPackage({ texts: evil, assets: new Map([[path, bytes!]]) });
  expect(unpackPackage(packageHash(evil), packed)).toBeUndefined();
});

test('a package of another format is not guessed at', () => {
  const head = Buffer.from('{"format":2,"parts":[]}\n');
  expect(unpackPackage(hashOf('package-2', ''), head)).toBeUndefined();
});

const pair = newKeyPair();
const signer = readSigner({ RUN_PIPELINE_SIGNING_KEY: pair.privatePem });
const trust = readTrust({
  RUN_PIPELINE_REQUIRE_SIGNATURE: '1',
  RUN_PIPELINE_TRUSTED_KEYS: pair.publicKey,
});
const demanded = (at: PackagePlace): Promise<void> =>
  requireSignature(at, { hash: task.hash, what: 'the script' });

test('a signature is published with its package, and counts for whoever asks for one', async () => {
  const made = { ...here, signing: { signer, trust: undefined } };
  const agent = place('agent', shared, { signer: undefined, trust });
  await publishPackages(here, [task.hash]);
  await expect(demanded(agent)).rejects.toMatchObject({ code: 'package-unsigned' });
  // By another process, which has the key; the package itself is new enough.
  const again = new DirectoryPackages(join(directory, 'shared'));
  again.ages.set(task.hash, 0);
  signPackages(made, [task.hash]);
  await publishPackages({ ...made, packages: again }, [task.hash]);
  expect([again.written, again.signatures.size]).toEqual([[], 1]);
  await expect(demanded({ ...agent, packages: again })).resolves.toBeUndefined();
  // From then on it is in the agent's own home.
  await expect(demanded({ ...agent, packages: shared })).resolves.toBeUndefined();
});

test('who publishes a package that somebody else made does not vouch for it', async () => {
  await publishPackages({ ...here, signing: { signer, trust: undefined } }, [task.hash]);
  expect([shared.written, shared.signatures.size]).toEqual([[task.hash], 0]);
});

test('a wrong signature in the store of packages is told apart from none', async () => {
  const agent = place('agent', shared, { signer: undefined, trust });
  await shared.writeSignature(task.hash, pair.id, new Uint8Array(64));
  await expect(demanded(agent)).rejects.toThrow(/is wrong/);
});
