import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { parseStorageUrl } from './storage-url.js';

const HEX = 'a'.repeat(64);

test.each([
  ['data/a.csv', { kind: 'path', path: '/project/data/a.csv', shown: 'data/a.csv' }],
  ['/data/100%25.csv', { kind: 'path', path: '/data/100%25.csv' }],
  [pathToFileURL('/data/a b.csv').href, { kind: 'path', path: '/data/a b.csv', shown: '/data/a b.csv' }],
  ['s3://bucket/some/key with spaces', { kind: 's3', bucket: 'bucket', key: 'some/key with spaces' }],
  ['s3://bucket', { kind: 's3', bucket: 'bucket', key: '' }],
  [`artifact://sha256/${HEX}`, { kind: 'artifact', hash: `sha256:${HEX}` }],
])('%s', (text, expected) => {
  expect(parseStorageUrl(text, '/project')).toMatchObject(expected);
});

test('what is shown of a URL opens nothing', () => {
  const parsed = parseStorageUrl('https://user:secret@host.invalid:8443/a/b.zip?token=secret#part', '/');
  expect(parsed).toMatchObject({ kind: 'http', shown: 'https://host.invalid:8443/a/b.zip?…' });
  expect((parsed as { url: URL }).url.href).toBe(
    'https://user:secret@host.invalid:8443/a/b.zip?token=secret',
  );
});

test.each([
  ['', 'it is not a text'],
  ['gs://bucket/key', 'there is no storage for gs: here'],
  ['s3:///key', 'it names no bucket'],
  ['s3://a_b/key', 'it names no bucket'],
  ['artifact://sha256/abc', '64 hexadecimal digits'],
  [`artifact://sha256/../${HEX}`, '64 hexadecimal digits'],
  ['file://elsewhere/a', 'host'],
  ['http://', 'it is not a URL'],
  ['a\0b', 'NUL'],
])('%j is refused with the reason', (text, why) => {
  expect(() => parseStorageUrl(text, '/project')).toThrow(why);
});

test('an address that cannot be read is told without its secrets', () => {
  let message = '';
  try {
    parseStorageUrl('https://user:secret@host.invalid:bad/a?token=secret', '/');
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toContain('https://host.invalid:bad/a');
  expect(message).not.toContain('secret');
});
