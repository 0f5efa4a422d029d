import { createHash } from 'node:crypto';
import { join, relative, sep } from 'node:path';
import type { ClosureEntry, Digest } from '@run-pipeline/core/model';
import { hashOf } from '../digest.js';
import type { InstalledPackage, Resolver } from '../source/resolve.js';
import type { TrackedFiles } from '../source/tracked-files.js';
import { lockClosure } from './lock-closure.js';
import { findLockfile, lockedAt, type Lockfile } from './lockfile.js';
import { isNative } from './native.js';
import type { PackageLock } from './package-lock.js';

/** Everything that the direct dependencies of a package depend on, as the project resolves it. */
export interface Closure {
  readonly entries: readonly ClosureEntry[];
  readonly hash: Digest;
  readonly native: boolean;
  /** What an agent installs. */
  readonly lock: PackageLock;
  /** Where each direct one lies in what an agent has installed, by its directory here. */
  readonly places: ReadonlyMap<string, string>;
}

/**
 * Walks the installed packages, as Node resolves them (so that pnpm's and yarn's layouts work too).
 * Integrities come from package-lock.json, for packages that are as npm unpacked them; all others
 * (linked, `file:`, git, patched, edited in place, installed by something else) count by their content.
 */
export class Closures {
  readonly #files: TrackedFiles;
  readonly #resolver: Resolver;
  readonly #root: string;
  readonly #lockfile: Lockfile | undefined;
  readonly #identities = new Map<string, string>();
  readonly #known = new Map<string, Closure>();

  constructor(options: { readonly files: TrackedFiles; readonly resolver: Resolver; readonly root: string }) {
    this.#files = options.files;
    this.#resolver = options.resolver;
    this.#root = options.root;
    this.#lockfile = findLockfile(options.files, options.root);
    for (const other of ['yarn.lock', 'pnpm-lock.yaml']) options.files.note(join(options.root, other));
  }

  of(direct: readonly InstalledPackage[]): Closure {
    const key = direct
      .map((each) => each.directory)
      .sort()
      .join('\0');
    let closure = this.#known.get(key);
    if (closure === undefined) {
      closure = this.#walk(direct);
      this.#known.set(key, closure);
    }
    return closure;
  }

  #walk(direct: readonly InstalledPackage[]): Closure {
    const { found, native } = this.installed(direct);
    const entries = [...found.values()].sort(byNameAndVersion);
    const lines = entries.map((entry) => `${entry.name}@${entry.version} ${entry.integrity ?? ''}`);
    return {
      entries,
      native,
      hash: hashOf('closure', [...new Set(lines)].join('\n')),
      ...lockClosure({
        direct,
        found,
        root: this.#root,
        files: this.#files,
        resolver: this.#resolver,
        lockfile: this.#lockfile,
      }),
    };
  }

  /** What the closure is made of, by the directory in which each lies. */
  installed(direct: readonly InstalledPackage[]): {
    readonly found: ReadonlyMap<string, ClosureEntry>;
    readonly native: boolean;
  } {
    const found = new Map<string, ClosureEntry>();
    let native = false;
    const queue = [...direct]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((each) => ({ package: each, through: undefined as string | undefined }));
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { package: each, through } = next;
      if (found.has(each.directory)) continue;
      const integrity = this.#identity(each);
      found.set(each.directory, {
        name: each.name,
        version: each.version,
        integrity,
        ...(through === undefined ? {} : { through }),
      });
      const json = this.#files.readJson(join(each.directory, 'package.json')) ?? {};
      native ||= isNative(each.directory, json, this.#files);
      for (const name of dependencyNames(json)) {
        const directory = this.#resolver.installedDirectory(name, each.directory);
        const installed =
          directory === undefined ? undefined : this.#resolver.packageAt(this.#files.realPath(directory));
        if (installed !== undefined) queue.push({ package: installed, through: each.name });
      }
    }
    return { found, native };
  }

  /** Integrity from the lockfile, or the hash of the content where none can be trusted. */
  #identity(each: InstalledPackage): string {
    const known = this.#identities.get(each.directory);
    if (known !== undefined) return known;
    const locked = lockedAt(this.#lockfile, each.directory);
    // What lies there may be another version than the lockfile wants.
    const isVouched =
      locked?.integrity !== undefined &&
      locked.version === each.version &&
      !/^(?:git|file:)/.test(locked.resolved ?? '');
    const patch = this.#patch(each);
    const isAsUnpacked = (): boolean => {
      const unpacked = this.#unpackedAt(each.directory);
      return unpacked !== undefined && this.#files.isOlder(each.directory, unpacked);
    };
    let identity: string;
    if (isVouched && patch !== undefined) identity = `${locked.integrity}${PATCHED}${patch}`;
    else if (isVouched && isAsUnpacked()) identity = locked.integrity;
    else identity = contentIdentity(this.#files, each.directory);
    this.#identities.set(each.directory, identity);
    return identity;
  }

  /** When npm had unpacked everything: it writes this file last. */
  #unpackedAt(directory: string): bigint | undefined {
    const end = directory.indexOf(NODE_MODULES);
    if (end === -1) return undefined;
    const installed = join(directory.slice(0, end), 'node_modules', '.package-lock.json');
    return this.#files.note(installed) === undefined ? undefined : this.#files.modified(installed);
  }

  /** patch-package, and pnpm's and yarn's patches. */
  #patch(each: InstalledPackage): string | undefined {
    const base = each.name.replace('/', '+');
    const manifest = this.#files.readJson(join(this.#root, 'package.json')) ?? {};
    const pnpm = (manifest['pnpm'] as { patchedDependencies?: Record<string, string> } | undefined)
      ?.patchedDependencies;
    const declared = pnpm?.[`${each.name}@${each.version}`] ?? pnpm?.[each.name];
    const candidates = [
      join(this.#root, 'patches', `${base}+${each.version}.patch`),
      ...(declared === undefined ? [] : [join(this.#root, declared)]),
    ];
    const hashes = candidates.flatMap((file) => this.#files.note(file) ?? []);
    return hashes.length === 0 ? undefined : hashes.join(' ');
  }
}

const NODE_MODULES = `${sep}node_modules${sep}`;

const byNameAndVersion = (a: ClosureEntry, b: ClosureEntry): number =>
  a.name === b.name ? (a.version < b.version ? -1 : 1) : a.name < b.name ? -1 : 1;

export function dependencyNames(json: Readonly<Record<string, unknown>>): string[] {
  const names = ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((key) =>
    Object.keys((json[key] ?? {}) as object),
  );
  return [...new Set(names)].sort();
}

/** Over names and contents of all files, without what is installed below. */
export function contentIdentity(files: TrackedFiles, directory: string): string {
  const hash = createHash('sha256');
  for (const path of files.filesBelow(directory))
    hash.update(`${relative(directory, path)}\0${files.note(path)}\0`);
  return `${CONTENT}${hash.digest('hex')}`;
}

/** How the identity of a package begins that is known by its content. */
export const CONTENT = 'content:';
/** What stands in the identity of a package that a patch was applied to. */
export const PATCHED = ' patch:';
