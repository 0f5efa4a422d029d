import { createHmac, hash } from 'node:crypto';
import { fingerprint, type Fingerprint, type PackageManifest } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';

/**
 * The fingerprint of a step: a hash of everything that can change its result, and of nothing else.
 *
 * What enters (each as a named part, so that `plan` and `why` can say which of them changed):
 * format · the slice's code · argument binding, returns · the closure of npm dependencies · input
 * values and content hashes · declared environment (as HMAC) · assets · the user's version · Node's
 * major, and platform + ABI when the closure holds native code.
 *
 * `symbol` parts explain and do not enter: the code's own hash already covers them, and their line
 * numbers move under edits that change nothing.
 */
export const FORMAT = 1;

export interface FingerprintOptions {
  readonly manifest: PackageManifest;
  readonly returns: readonly string[] | undefined;
  /** One part an input: an argument, or a `@Parameter` the slice reads. */
  readonly inputs: readonly PreimagePart[];
  /** Of a step from a task: what the task itself has and the step does not override. A key does not stand for it. */
  readonly own?: readonly PreimagePart[];
  /** `cache.version`. */
  readonly version: string | undefined;
  /** `cache.key` replaces the input part; its result, already hashed. */
  readonly key: PreimagePart | undefined;
  /** Names whose values enter, declared or read by the code; unset is a value. */
  readonly env: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Per store: values of the environment are never stored, nor guessable from a store that leaks. */
  readonly secretKey: Uint8Array;
}

export interface Fingerprinted {
  readonly fingerprint: Fingerprint;
  readonly parts: readonly PreimagePart[];
}

export function computeFingerprint(options: FingerprintOptions): Fingerprinted {
  const fromPackage = packageParts(options.manifest);
  const parts: PreimagePart[] = [];
  parts.push({
    kind: 'returns',
    name: 'returns',
    hash: hashOf('returns', options.returns ?? null),
    shown: options.returns === undefined ? 'result' : options.returns.join(', '),
  });
  if (options.key === undefined) parts.push(...options.inputs);
  else parts.push(options.key);
  parts.push(...(options.own ?? []));
  for (const name of [...new Set(options.env)].sort(byCodeUnit)) {
    const hash = environmentHash(options.secretKey, options.environment[name]);
    parts.push({ kind: 'env', name, hash });
  }
  if (options.version !== undefined) {
    parts.push({
      kind: 'version',
      name: 'version',
      hash: hashOf('version', options.version),
      shown: options.version,
    });
  }
  const whole = hashOf(`run-pipeline fingerprint ${FORMAT}`, [fromPackage.hash, hashParts(parts)]);
  return { fingerprint: fingerprint(`fp${FORMAT}:${whole}`), parts: [...fromPackage.parts, ...parts] };
}

/**
 * How the value of an environment variable enters and travels: as an HMAC with the store's key. Unset is a value
 * like any other.
 */
export const environmentHash = (secretKey: Uint8Array, value: string | undefined): string =>
  createHmac('sha256', secretKey)
    .update(value === undefined ? 'unset' : `set:${value}`)
    .digest('hex');

const EXPLAINS_ONLY = new Set<PreimagePart['kind']>(['symbol']);

/** Independent of the parts' order: each carries its kind and name. */
function hashParts(parts: readonly PreimagePart[]): string {
  const entering = parts
    .filter((part) => !EXPLAINS_ONLY.has(part.kind))
    .map((part) => [part.kind, part.name, part.hash] as const)
    .sort((a, b) => byCodeUnit(a[0], b[0]) || byCodeUnit(a[1], b[1]) || byCodeUnit(a[2], b[2]));
  return hashOf('parts', entering);
}

interface PackageParts {
  readonly parts: readonly PreimagePart[];
  readonly hash: string;
}

/** The parts a package contributes; the same for every step that runs it. */
const cachedParts = new WeakMap<PackageManifest, PackageParts>();
function packageParts(manifest: PackageManifest): PackageParts {
  const known = cachedParts.get(manifest);
  if (known !== undefined) return known;
  const parts: PreimagePart[] = [
    { kind: 'format', name: 'format', hash: String(FORMAT), shown: String(FORMAT) },
    {
      kind: 'code',
      name: 'code',
      hash: manifest.codeHash,
      where: `${manifest.source.file}:${manifest.source.line}`,
    },
    { kind: 'binding', name: 'binding', hash: hashOf('binding', [manifest.entry, manifest.binding]) },
    // The externals' order is part of the code's meaning: placeholders are numbered.
    {
      kind: 'binding',
      name: 'imports',
      hash: hashOf(
        'imports',
        manifest.externals.map((item) => [
          item.kind,
          item.specifier,
          item.package?.name ?? null,
          item.file ?? null,
        ]),
      ),
    },
    {
      kind: 'platform',
      name: 'node',
      hash: platformOf(manifest.native),
      shown: platformOf(manifest.native),
    },
  ];
  for (const symbol of manifest.symbols) {
    parts.push({
      kind: 'symbol',
      name: symbol.name,
      hash: symbol.hash,
      where: `${symbol.file}:${symbol.line}`,
    });
  }
  // The closure as a whole decides; its members explain. Two entries may share a name (nested versions).
  parts.push({ kind: 'dependency', name: '(closure)', hash: manifest.closureHash });
  for (const entry of manifest.closure) {
    parts.push({
      kind: 'dependency',
      name: entry.name,
      hash: hashOf('dependency', [entry.name, entry.version, entry.integrity ?? null]),
      shown: entry.version,
      ...(entry.through === undefined ? {} : { where: `through ${entry.through}` }),
    });
  }
  for (const asset of manifest.assets) {
    parts.push({ kind: 'asset', name: asset.path, hash: asset.hash });
  }
  const result = { parts, hash: hashParts(parts) };
  cachedParts.set(manifest, result);
  return result;
}

/** What of this Node.js enters: its major, and for native code what that was built for. */
export function platformOf(native: boolean): string {
  const major = process.versions.node.split('.')[0] ?? '';
  return native
    ? `node ${major} ${process.platform} ${process.arch} abi ${process.versions.modules}`
    : `node ${major}`;
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Hash of canonical JSON (arrays and strings only inside), with its kind first. */
export function hashOf(kind: string, value: unknown): string {
  return hash('sha256', `${kind}\0${JSON.stringify(value)}`, 'hex');
}
