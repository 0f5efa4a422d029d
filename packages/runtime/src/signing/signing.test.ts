import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest } from '@run-pipeline/core/model';
import { afterAll, expect, test } from 'vitest';
import { newKeyPair, readSigner, readTrust, type Trust } from './index.js';

const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-keys-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

const HASH = digest(`sha256:${'a'.repeat(64)}`);
const OTHER = digest(`sha256:${'b'.repeat(64)}`);
const ours = newKeyPair();
const theirs = newKeyPair();
const signer = readSigner({ RUN_PIPELINE_SIGNING_KEY: ours.privatePem })!;
const trusting = (keys: string): Trust =>
  readTrust({ RUN_PIPELINE_REQUIRE_SIGNATURE: '1', RUN_PIPELINE_TRUSTED_KEYS: keys })!;

test('a signature counts for its hash and its kind, by a trusted key alone', () => {
  const trust = trusting(ours.publicKey);
  const signature = signer.sign('package', HASH);
  expect(trust.isSigned('package', HASH, [signature])).toBe(true);
  expect(trust.isSigned('package', OTHER, [signature])).toBe(false);
  expect(trust.isSigned('controller', HASH, [signature])).toBe(false);
  expect(trust.isSigned('package', HASH, [])).toBe(false);
  expect(trusting(theirs.publicKey).isSigned('package', HASH, [signature])).toBe(false);
  // It says of itself to be by another key.
  expect(trusting(theirs.publicKey).isSigned('package', HASH, [{ ...signature, key: theirs.id }])).toBe(
    false,
  );
  const tampered = Uint8Array.from(signature.signature);
  tampered[0]! ^= 1;
  expect(trust.isSigned('package', HASH, [{ ...signature, signature: tampered }])).toBe(false);
  expect(trust.isSigned('package', HASH, [{ ...signature, signature: new Uint8Array() }])).toBe(false);
});

test('a private key may be a PEM, one with \\n in it, or a path; its public key is that of the pair', () => {
  for (const setting of [
    ours.privatePem,
    ours.privatePem.replaceAll('\n', String.raw`\n`),
    file('signing.pem', ours.privatePem),
  ]) {
    const read = readSigner({ RUN_PIPELINE_SIGNING_KEY: setting })!;
    expect([read.publicKey, read.id]).toEqual([ours.publicKey, ours.id]);
  }
  expect(readSigner({})).toBeUndefined();
  expect(readSigner({ RUN_PIPELINE_SIGNING_KEY: ' ' })).toBeUndefined();
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const body = ours.privatePem.split('\n')[1]!;

test.each([
  ['a key of another kind', rsa, /of type rsa/],
  ['a key that is cut', ours.privatePem.slice(0, 60), /no private key/],
  ['the body alone', body, /ENOENT/],
  ['a path without a file', join(directory, 'none.pem'), /none\.pem cannot be read \(ENOENT\)/],
  ['a file that others may read', file('open.pem', ours.privatePem, 0o644), /can be read by others/],
  ['a public key', file('public.pem', ours.publicKey), /no private key/],
])('as a private key %s is refused', (_, setting, message) => {
  const read = (): unknown => readSigner({ RUN_PIPELINE_SIGNING_KEY: setting });
  expect(read).toThrow(message);
  expect(read).toThrow(/RUN_PIPELINE_SIGNING_KEY/);
});

test('a key that was pasted without its first line is not repeated as a path', () => {
  for (const setting of [body, `${body}\n${body}`, `/${body}`]) {
    const read = (): unknown => readSigner({ RUN_PIPELINE_SIGNING_KEY: setting });
    expect(read).toThrow(/it cannot be read/);
    expect(read).not.toThrow(body);
  }
});

test('trusted keys may be in one line, PEMs, or files with names behind the keys', () => {
  const signature = signer.sign('package', HASH);
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const list = file('trusted', `# the team\n${theirs.publicKey} someone\n\n${ours.publicKey}  # me\n`, 0o644);
  for (const keys of [
    ours.publicKey,
    `${theirs.publicKey}, ${ours.publicKey}`,
    `${theirs.publicKey}\n${pem}\n${ours.publicKey}`,
    `${theirs.publicKey},${list}`,
  ])
    expect([keys, trusting(keys).isSigned('package', HASH, [signature])]).toEqual([keys, true]);
  expect(trusting(`${theirs.publicKey} ${pem}`).keys).toHaveLength(2);
});

test.each([
  ['', /names nobody/],
  [' , ', /names nobody/],
  ['ed25519:short', /no public key/],
  [join(directory, 'none'), /neither a key nor a file/],
  [ours.privatePem, /it is a private key, which agents must not have/],
  [file('private.pem', ours.privatePem), /private\.pem is a private key/],
])('trusted keys %j are refused, without being repeated', (keys, message) => {
  const read = (): unknown => trusting(keys);
  expect(read).toThrow(message);
  expect(read).not.toThrow(body);
});

test('nothing has to be signed unless it is asked for', () => {
  for (const value of [undefined, '', '0', 'false'])
    expect(
      readTrust({ RUN_PIPELINE_REQUIRE_SIGNATURE: value, RUN_PIPELINE_TRUSTED_KEYS: 'nonsense' }),
    ).toBeUndefined();
});
