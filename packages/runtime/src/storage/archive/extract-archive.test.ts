import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archiveKind, withoutExtension, type ArchiveKind } from './archive-kind.js';
import { extractArchive } from './extract-archive.js';
import type { ExtractionLimits } from './extracted-tree.js';
import { paxPath, tarOf, zipOf } from './hostile-archives.test-support.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'run-pipeline-archive-'));
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

async function extract(
  bytes: Buffer,
  kind: ArchiveKind,
  options: { readonly limits?: Partial<ExtractionLimits>; readonly signal?: AbortSignal } = {},
): Promise<Record<string, string>> {
  const archive = join(directory, 'archive');
  await writeFile(archive, bytes);
  const target = join(directory, 'inside', 'target');
  await mkdir(join(directory, 'inside'), { recursive: true });
  await extractArchive({
    archive,
    kind,
    name: `data.${kind}`,
    target,
    limits: { bytes: 1e6, entries: 100, ...options.limits },
    signal: options.signal ?? new AbortController().signal,
  });
  return contents(target);
}

async function contents(target: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(target.length + 1);
    if (entry.isFile()) files[name] = await readFile(path, 'utf8');
    else files[`${name}/`] = '';
  }
  return files;
}

/** Nothing may be beside the archive and what it is extracted into. */
async function expectRefused(extracting: Promise<unknown>, why: string): Promise<void> {
  await expect(extracting).rejects.toMatchObject({
    kind: 'artifact',
    code: 'archive-refused',
    message: expect.stringContaining(why),
    help: expect.stringContaining('extractArchive: false'),
  });
  expect((await readdir(directory)).sort()).toEqual(['archive', 'inside']);
  expect(await readdir(join(directory, 'inside'))).toEqual(['target']);
}

const TREE = [
  { name: 'a.txt', content: 'one' },
  { name: 'deep/er/b.txt', content: 'two' },
  { name: 'ünïcode 漢字.txt', content: 'three' },
  { name: 'empty.txt', content: '' },
];
const EXPECTED = {
  'a.txt': 'one',
  'deep/': '',
  'deep/er/': '',
  'deep/er/b.txt': 'two',
  'ünïcode 漢字.txt': 'three',
  'empty.txt': '',
};

test('zip, tar and tar.gz become a tree', async () => {
  expect(await extract(zipOf(TREE), 'zip')).toEqual(EXPECTED);
  await rm(join(directory, 'inside'), { recursive: true });
  expect(await extract(tarOf(TREE), 'tar')).toEqual(EXPECTED);
  await rm(join(directory, 'inside'), { recursive: true });
  expect(await extract(gzipSync(tarOf(TREE)), 'tar')).toEqual(EXPECTED);
});

test('what the system’s own tar packs, large files and empty directories included', async () => {
  const source = join(directory, 'source');
  await mkdir(join(source, 'empty'), { recursive: true });
  await writeFile(join(source, `${'long'.repeat(40)}.txt`), 'x'.repeat(700_000));
  await writeFile(join(source, 'run.sh'), '#!/bin/sh', { mode: 0o755 });
  const bytes = execFileSync('tar', ['cz', '-C', source, '.'], { maxBuffer: 1e7 });
  await rm(source, { recursive: true });
  const files = await extract(bytes, 'tar');
  expect(Object.keys(files).sort()).toEqual(['empty/', `${'long'.repeat(40)}.txt`, 'run.sh'].sort());
  expect(files[`${'long'.repeat(40)}.txt`]).toHaveLength(700_000);
  const mode = async (name: string): Promise<number> =>
    (await stat(join(directory, 'inside/target', name))).mode & 0o777;
  expect(await mode('run.sh')).toBe(0o555);
  expect(await mode(`${'long'.repeat(40)}.txt`)).toBe(0o444);
});

test('an empty zip is an empty directory', async () => {
  expect(await extract(zipOf([]), 'zip')).toEqual({});
});

const NAMES = [
  ['../out.txt', 'not allowed', 'invalid relative path'],
  ['a/../../out.txt', 'not allowed', 'invalid relative path'],
  ['/out.txt', 'absolute path', 'absolute path'],
  ['C:/out.txt', 'absolute path', 'absolute path'],
  ['a\\..\\out.txt', 'not allowed', 'invalid characters'],
  ['a/..', 'not allowed', 'invalid relative path'],
] as const;

test.each(NAMES)('the name %j leaves nothing anywhere', async (name, inTar, inZip) => {
  await expectRefused(extract(tarOf([{ name, content: 'x' }]), 'tar'), inTar);
  await rm(join(directory, 'inside'), { recursive: true });
  await expectRefused(extract(tarOf([paxPath(name), { name: 'good.txt', content: 'x' }]), 'tar'), inTar);
  await rm(join(directory, 'inside'), { recursive: true });
  await expectRefused(extract(gzipSync(tarOf([{ name, type: '5' }])), 'tar'), inTar);
  await rm(join(directory, 'inside'), { recursive: true });
  await expectRefused(extract(zipOf([{ name, content: 'x' }]), 'zip'), inZip);
});

test.each([
  ['a symbolic link', { type: '2', link: '/etc/passwd' }],
  ['a hard link', { type: '1', link: 'a.txt' }],
  ['a device', { type: '3' }],
  ['a pipe', { type: '6' }],
  ['something unknown', { type: 'Z' }],
])('%s in a tar is refused', async (_what, special) => {
  const entries = [{ name: 'a.txt', content: 'x' }, { name: 'special', ...special }, { name: 'b.txt' }];
  await expectRefused(extract(tarOf(entries), 'tar'), 'link or another special file');
});

test('a link is not followed by what comes behind it', async () => {
  const outside = join(directory, 'outside');
  const entries = [
    { name: 'link', type: '2', link: directory },
    { name: 'link/outside', content: 'x' },
  ];
  await expectRefused(extract(tarOf(entries), 'tar'), 'link or another special file');
  await rm(join(directory, 'inside'), { recursive: true });
  const zipped = [
    { name: 'link', content: directory, mode: 0o120777 },
    { name: 'link/outside', content: 'x' },
  ];
  await expectRefused(extract(zipOf(zipped), 'zip'), 'link or another special file');
  await expect(stat(outside)).rejects.toThrow('ENOENT');
});

test('names that are there twice are refused, as file and as directory', async () => {
  const twice = [
    { name: 'a.txt', content: 'one' },
    { name: './a.txt', content: 'two' },
  ];
  await expectRefused(extract(tarOf(twice), 'tar'), '"./a.txt" twice');
  await rm(join(directory, 'inside'), { recursive: true });
  const below = [
    { name: 'a', content: 'one' },
    { name: 'a/b', content: 'two' },
  ];
  await expectRefused(extract(zipOf(below), 'zip'), 'below a file of the same name');
});

test.each(['zip', 'tar'] as const)('bombs in a %s: too much, and too many', async (kind) => {
  const make = kind === 'zip' ? zipOf : (entries: Parameters<typeof tarOf>[0]) => gzipSync(tarOf(entries));
  const zeros = Buffer.alloc(600_000);
  const large = make([
    { name: 'a', content: zeros },
    { name: 'b', content: zeros },
  ]);
  expect(large.length).toBeLessThan(10_000);
  await expectRefused(extract(large, kind), 'more than 1000000 bytes');
  await rm(join(directory, 'inside'), { recursive: true });
  const many = make(Array.from({ length: 101 }, (_, at) => ({ name: `f${at}` })));
  await expectRefused(extract(many, kind), 'more than 100 files');
  await rm(join(directory, 'inside'), { recursive: true });
  expect(Object.keys(await extract(many, kind, { limits: { entries: 101 } }))).toHaveLength(101);
});

test('a zip that lies about a size or a checksum is refused', async () => {
  await expectRefused(
    extract(zipOf([{ name: 'a', content: 'x'.repeat(5000), size: 10 }]), 'zip'),
    'too many bytes',
  );
  await rm(join(directory, 'inside'), { recursive: true });
  await expectRefused(
    extract(zipOf([{ name: 'a', content: 'x', crc: 1 }]), 'zip'),
    'checksum of "a" is wrong',
  );
});

test('an encrypted zip says so', async () => {
  await expectRefused(extract(zipOf([{ name: 'a', content: 'x', encrypted: true }]), 'zip'), 'password');
});

test.each([
  ['a page', 'zip', Buffer.from('<html>please log in</html>'.repeat(50)), 'no zip archive'],
  ['a page', 'tar', Buffer.from('<html>please log in</html>'.repeat(50)), 'no tar archive'],
  ['nothing', 'tar', Buffer.alloc(0), 'no tar archive'],
  ['a zip that is cut', 'zip', zipOf(TREE).subarray(0, 200), 'not extracted'],
  ['a gzip that is cut', 'tar', gzipSync(tarOf(TREE)).subarray(0, 150), 'not extracted'],
  [
    'a tar that is cut',
    'tar',
    tarOf([{ name: 'a', content: 'x'.repeat(3000) }]).subarray(0, 2000),
    'not extracted',
  ],
  ['a tar with a damaged header', 'tar', damaged(tarOf(TREE)), 'not extracted'],
] as const)('%s in the place of a %s', async (_what, kind, bytes, why) => {
  await expectRefused(extract(bytes, kind), why);
});

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('damage', 1024);
  return copy;
}

test('an abort ends it, with its reason', async () => {
  const controller = new AbortController();
  controller.abort(new Error('stopped'));
  await expect(extract(zipOf(TREE), 'zip', { signal: controller.signal })).rejects.toThrow('stopped');
});

test('the target must be new: nothing that lies there is written through', async () => {
  await mkdir(join(directory, 'inside'));
  await symlink(directory, join(directory, 'inside/target'));
  await expect(extract(zipOf(TREE), 'zip')).rejects.toThrow('EEXIST');
});

test('archives are known by their names', () => {
  const kinds = ['a.zip', 'A.ZIP', 'a.tar', 'a.tgz', 'a.tar.gz', 'a.gz', 'a.csv', 'zip', 'a.zip.txt'].map(
    archiveKind,
  );
  expect(kinds).toEqual(['zip', 'zip', 'tar', 'tar', 'tar', undefined, undefined, undefined, undefined]);
  expect(['iris.tar.gz', 'a.b.zip', '.zip'].map(withoutExtension)).toEqual(['iris', 'a.b', 'archive']);
});
