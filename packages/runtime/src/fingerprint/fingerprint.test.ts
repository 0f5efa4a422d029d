import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digest, PackageManifest } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { computeFingerprint, explainChanges, type FingerprintOptions } from './index.js';

const manifest = (changes: Partial<PackageManifest> = {}): PackageManifest => ({
  format: 1,
  id: 'pipe.ts#P.train',
  entry: { kind: 'function' },
  binding: { kind: 'positional' },
  codeHash: 'sha256:code' as Digest,
  dependencies: { arquero: '8.0.3' },
  externals: [
    { specifier: 'arquero', kind: 'npm', package: { name: 'arquero', version: '8.0.3' }, file: 'index.js' },
  ],
  closureHash: 'sha256:closure' as Digest,
  closure: [
    { name: 'arquero', version: '8.0.3', integrity: 'a' },
    { name: 'lodash', version: '4.17.20', integrity: 'b', through: 'arquero' },
  ],
  native: false,
  env: ['MODE'],
  readsEnvDynamically: false,
  reads: [],
  assets: [{ path: 'model.onnx', hash: 'sha256:asset' as Digest, size: 1 }],
  symbols: [{ name: 'normalize', file: 'util.ts', line: 14, hash: 'n1' }],
  ownWorker: false,
  warnings: [],
  source: { file: 'pipe.ts', line: 3, endLine: 5 },
  ...changes,
});

const input = (changes: Partial<PreimagePart> = {}): PreimagePart => ({
  kind: 'parameter',
  name: 'lr',
  hash: 'h1',
  shown: '0.01',
  ...changes,
});

const options = (changes: Partial<FingerprintOptions> = {}): FingerprintOptions => ({
  manifest: manifest(),
  returns: ['model'],
  inputs: [input()],
  version: undefined,
  key: undefined,
  env: ['MODE'],
  environment: { MODE: 'fast' },
  secretKey: Buffer.alloc(32, 1),
  ...changes,
});

const of = (changes: Partial<FingerprintOptions> = {}) => computeFingerprint(options(changes));

test('the same facts give the same fingerprint, in whatever order inputs and variables are told', () => {
  const second = input({ name: 'depth', hash: 'h2' });
  expect(of({ inputs: [input(), second], env: ['A', 'MODE'] }).fingerprint).toBe(
    of({ inputs: [second, input()], env: ['MODE', 'A'] }).fingerprint,
  );
});

test.each<[string, Partial<FingerprintOptions>]>([
  ['code', { manifest: manifest({ codeHash: 'sha256:other' as Digest }) }],
  ['the closure of dependencies', { manifest: manifest({ closureHash: 'sha256:other' as Digest }) }],
  [
    'what an import resolves to',
    {
      manifest: manifest({
        externals: [
          {
            specifier: 'arquero',
            kind: 'npm',
            package: { name: 'arquero', version: '8.0.3' },
            file: 'slim.js',
          },
        ],
      }),
    },
  ],
  [
    'an asset',
    { manifest: manifest({ assets: [{ path: 'model.onnx', hash: 'sha256:b' as Digest, size: 1 }] }) },
  ],
  ['the argument binding', { manifest: manifest({ binding: { kind: 'object' } }) }],
  ['native code', { manifest: manifest({ native: true }) }],
  ['returns', { returns: ['weights'] }],
  ['no returns', { returns: undefined }],
  ['an input', { inputs: [input({ hash: 'h2' })] }],
  ["an input's name", { inputs: [input({ name: 'rate' })] }],
  ['a declared variable', { environment: { MODE: 'slow' } }],
  ['an unset variable', { environment: {} }],
  ['the cache version', { version: '2' }],
  ['a cache key', { key: { kind: 'key', name: 'key', hash: 'k' } }],
])('a change of %s is another fingerprint', (_what, changes) => {
  expect(of(changes).fingerprint).not.toBe(of().fingerprint);
});

test('what only explains does not enter: where a declaration stands, what is shown of an input', () => {
  const moved = manifest({ symbols: [{ name: 'normalize', file: 'util.ts', line: 99, hash: 'n1' }] });
  expect(of({ manifest: moved }).fingerprint).toBe(of().fingerprint);
  expect(of({ inputs: [input({ shown: 'x', where: 'elsewhere' })] }).fingerprint).toBe(of().fingerprint);
});

test('an empty variable and an unset one differ', () => {
  expect(of({ environment: { MODE: '' } }).fingerprint).not.toBe(of({ environment: {} }).fingerprint);
});

test('values of the environment are not in the parts, and cannot be compared across stores', () => {
  const secret = 'a value nobody may read';
  const { parts, fingerprint } = of({ environment: { MODE: secret } });
  expect(JSON.stringify(parts)).not.toContain(secret);
  expect(of({ environment: { MODE: secret }, secretKey: Buffer.alloc(32, 2) }).fingerprint).not.toBe(
    fingerprint,
  );
});

test('no two lists of inputs collide by their borders', () => {
  const part = fc.record({ name: fc.string(), hash: fc.string() });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 4 }), (a, b) => {
      const canonical = (list: typeof a): string =>
        JSON.stringify(list.map(({ name, hash }) => JSON.stringify([name, hash])).sort());
      const same = canonical(a) === canonical(b);
      const print = (list: typeof a): string =>
        of({ inputs: list.map((item) => ({ kind: 'input' as const, ...item })) }).fingerprint;
      expect(print(a) === print(b)).toBe(same);
    }),
  );
});

const changes = (before: Partial<FingerprintOptions>, after: Partial<FingerprintOptions>) =>
  explainChanges(of(before).parts, of(after).parts);

test('a changed helper is named with its place', () => {
  const edited = manifest({
    codeHash: 'sha256:other' as Digest,
    symbols: [{ name: 'normalize', file: 'util.ts', line: 15, hash: 'n2' }],
  });
  expect(changes({}, { manifest: edited })).toEqual(['`normalize` (util.ts:15) changed']);
});

test('a changed parameter shows both values', () => {
  expect(changes({}, { inputs: [input({ hash: 'h2', shown: '0.001' })] })).toEqual([
    'parameter lr 0.01 -> 0.001',
  ]);
});

test('a changed package tells through whom it came', () => {
  const upgraded = manifest({
    closureHash: 'sha256:other' as Digest,
    closure: [
      { name: 'arquero', version: '8.0.3', integrity: 'a' },
      { name: 'lodash', version: '4.17.21', integrity: 'c', through: 'arquero' },
    ],
  });
  expect(changes({}, { manifest: upgraded })).toEqual(['lodash 4.17.20 -> 4.17.21 (through arquero)']);
});

test('a package patched in place is told, although its version stayed', () => {
  const patched = manifest({
    closureHash: 'sha256:other' as Digest,
    closure: [
      { name: 'arquero', version: '8.0.3', integrity: 'patched' },
      { name: 'lodash', version: '4.17.20', integrity: 'b', through: 'arquero' },
    ],
  });
  expect(changes({}, { manifest: patched })).toEqual(['package arquero 8.0.3 changed its content']);
});

test('variables, assets, versions and returns are named', () => {
  expect(changes({}, { environment: {} })).toEqual(['environment variable MODE changed']);
  expect(changes({}, { version: '2' })).toEqual(['cache version (none) -> 2']);
  expect(changes({}, { returns: ['weights'] })).toEqual(['its returns changed: model -> weights']);
  const asset = manifest({ assets: [{ path: 'model.onnx', hash: 'sha256:b' as Digest, size: 1 }] });
  expect(changes({}, { manifest: asset })).toEqual(['asset model.onnx changed']);
});

test('nothing changed: nothing is said', () => {
  expect(changes({}, {})).toEqual([]);
});

test('a key stands for what a step overrides, not for what its task has itself', () => {
  const own = [input({ name: 'General/size', hash: 's1' })];
  const key = { kind: 'key', name: 'key', hash: 'k' } as const;
  const keyed = of({ key, own }).fingerprint;
  expect(of({ key, own, inputs: [input({ hash: 'h2' })] }).fingerprint).toBe(keyed);
  expect(of({ key, own: [input({ name: 'General/size', hash: 's2' })] }).fingerprint).not.toBe(keyed);
  // Who a parameter comes from does not matter.
  expect(of({ inputs: [...own, input()] }).fingerprint).toBe(of({ own, inputs: [input()] }).fingerprint);
});

test('a configuration is told apart from a parameter of its name', () => {
  const model = (kind: 'parameter' | 'configuration', hash: string) =>
    of({ inputs: [input({ kind, name: 'model', hash, shown: hash })] });
  expect(model('parameter', 'x').fingerprint).not.toBe(model('configuration', 'x').fingerprint);
  expect(explainChanges(model('configuration', 'x').parts, model('configuration', 'y').parts)).toEqual([
    'configuration model x -> y',
  ]);
});
