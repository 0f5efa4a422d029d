import { dirname, join, relative, sep } from 'node:path';
import type { TrackedFiles } from '../source/tracked-files.js';

export type PeerMeta = Readonly<Record<string, { readonly optional?: boolean }>>;

/** What package-lock.json says about one installed package. */
export interface LockedPackage {
  /** Where it is not that of the directory. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: PeerMeta;
  readonly bundleDependencies?: readonly string[];
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly bin?: unknown;
}

export interface Lockfile {
  /** Absolute directory of package-lock.json. */
  readonly directory: string;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** The nearest package-lock.json above a directory (npm 7 or later). */
export function findLockfile(files: TrackedFiles, from: string): Lockfile | undefined {
  for (let at = from; ; at = dirname(at)) {
    const json = files.readJson(join(at, 'package-lock.json'));
    const packages = json?.['packages'];
    if (typeof packages === 'object' && packages !== null) {
      return { directory: at, packages: packages as Lockfile['packages'] };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** The entry of an installed package, by where it lies. */
export function lockedAt(lockfile: Lockfile | undefined, directory: string): LockedPackage | undefined {
  return lockfile?.packages[relative(lockfile.directory, directory).split(sep).join('/')];
}

/** The key of a dependency of the package at `key`, found as Node finds it. */
export function lockedDependency(lockfile: Lockfile, key: string, name: string): string | undefined {
  for (let at = key; ;) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (candidate in lockfile.packages) return candidate;
    if (at === '') return undefined;
    const above = at.lastIndexOf('/node_modules/');
    at = above === -1 ? (at.startsWith('node_modules/') ? '' : parentKey(at)) : at.slice(0, above);
  }
}

const parentKey = (key: string): string => (key.includes('/') ? key.slice(0, key.lastIndexOf('/')) : '');
