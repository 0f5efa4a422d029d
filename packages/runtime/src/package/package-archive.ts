import { digest, type PackageManifest, type TaskPackage } from '@run-pipeline/core/model';
import { contentHash } from './digest.js';
import { packageHash, parseManifest, type PackageTexts } from './package-file.js';

/**
 * A package as one sequence of bytes, for machines that share no disk: a line of JSON that says what follows and how
 * long it is, then the texts and the assets. The place of the project is not in it: whoever reads it has his own.
 */
export interface PackedPackage {
  readonly texts: PackageTexts;
  /** By their path in the manifest. */
  readonly assets: ReadonlyMap<string, Uint8Array>;
}

const FORMAT = 1;
const LONGEST_HEAD = 16 * 1024 * 1024;
type Part = readonly [kind: 'code' | 'map' | 'manifest' | 'lock' | 'asset', bytes: number, path?: string];

export function packPackage({ texts, assets }: PackedPackage): Uint8Array {
  const parts: (readonly [Part, Uint8Array])[] = [];
  for (const kind of ['code', 'map', 'manifest', 'lock'] as const) {
    const text = texts[kind];
    if (text === undefined) continue;
    const bytes = Buffer.from(text);
    parts.push([[kind, bytes.byteLength], bytes]);
  }
  for (const [path, bytes] of assets) parts.push([['asset', bytes.byteLength, path], bytes]);
  const head = JSON.stringify({ format: FORMAT, parts: parts.map(([part]) => part) });
  return Buffer.concat([Buffer.from(`${head}\n`), ...parts.map(([, bytes]) => bytes)]);
}

/**
 * What was packed, if it is what the hash says, assets included (INVARIANTS 22); else undefined. Runs nothing, and
 * names no path that the manifest does not name.
 */
export function unpackPackage(hash: TaskPackage['hash'], bytes: Uint8Array): PackedPackage | undefined {
  const found = partsOf(bytes);
  const [code, map, manifest] = [found?.texts.code, found?.texts.map, found?.texts.manifest];
  if (found === undefined || code === undefined || map === undefined || manifest === undefined)
    return undefined;
  const texts: PackageTexts = { code, map, manifest, lock: found.texts.lock };
  if (packageHash(texts) !== digest(hash)) return undefined;
  const assets = new Map<string, Uint8Array>();
  for (const asset of declaredAssets(texts)) {
    const content = found.assets.get(asset.path);
    if (!isInside(asset.path) || content === undefined || contentHash(content) !== asset.hash)
      return undefined;
    assets.set(asset.path, content);
  }
  return { texts, assets };
}

const declaredAssets = (texts: PackageTexts): PackageManifest['assets'] => parseManifest(texts).assets;

/** Names in packages become paths (INVARIANTS 20). */
const isInside = (path: string): boolean =>
  path.startsWith('assets/') &&
  !path.includes('\\') &&
  !path.includes('\0') &&
  path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');

interface Parts {
  readonly texts: { code?: string; map?: string; manifest?: string; lock?: string };
  readonly assets: Map<string, Uint8Array>;
}

function partsOf(bytes: Uint8Array): Parts | undefined {
  const end = bytes.subarray(0, LONGEST_HEAD).indexOf(10);
  if (end < 0) return undefined;
  let head: { readonly format?: unknown; readonly parts?: unknown };
  try {
    head = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString('utf8')) as typeof head;
  } catch {
    return undefined;
  }
  if (head === null || head.format !== FORMAT || !Array.isArray(head.parts)) return undefined;
  const found: Parts = { texts: {}, assets: new Map() };
  let at = end + 1;
  for (const part of head.parts as unknown[]) {
    if (!isPart(part) || at + part[1] > bytes.byteLength) return undefined;
    const [kind, length, path] = part;
    const content = bytes.subarray(at, at + length);
    at += length;
    if (kind === 'asset') found.assets.set(String(path), content);
    else found.texts[kind] = Buffer.from(content).toString('utf8');
  }
  return at === bytes.byteLength ? found : undefined;
}

const KINDS: ReadonlySet<unknown> = new Set(['code', 'map', 'manifest', 'lock', 'asset']);

const isPart = (part: unknown): part is Part =>
  Array.isArray(part) && KINDS.has(part[0]) && Number.isSafeInteger(part[1]) && (part[1] as number) >= 0;
