import { relative, sep } from 'node:path';
import { join } from 'node:path';
import type { ClosureEntry } from '@run-pipeline/core/model';
import { withoutCredentials } from '../../project/git-state.js';
import type { InstalledPackage, Resolver } from '../source/resolve.js';
import type { TrackedFiles } from '../source/tracked-files.js';
import { lockedDependency, type LockedPackage, type Lockfile, type PeerMeta } from './lockfile.js';
import { packageLock, type ClosureNode, type Edge, type LockedClosure } from './package-lock.js';

interface ClosureToLock {
  readonly direct: readonly InstalledPackage[];
  /** The whole closure as it is installed, by directory. */
  readonly found: ReadonlyMap<string, ClosureEntry>;
  readonly root: string;
  readonly files: TrackedFiles;
  readonly resolver: Resolver;
  readonly lockfile: Lockfile | undefined;
}

/**
 * Makes the lock of a closure: from package-lock.json, which knows the optional packages of all platforms,
 * where that is what is installed; else from what is installed.
 */
export function lockClosure(closure: ClosureToLock): LockedClosure {
  const { direct, lockfile } = closure;
  if (lockfile !== undefined && isInstalled(lockfile, closure.found)) {
    const keys = direct.map((each) => keyOf(lockfile, each.directory));
    const { lock, places } = packageLock({
      direct: keys.map((key) => ({ name: nameAt(key), id: key })),
      nodes: lockedNodes(lockfile, keys),
    });
    const directories = new Map(direct.map((each) => [keyOf(lockfile, each.directory), each.directory]));
    return { lock, places: new Map([...places].map(([key, place]) => [directories.get(key)!, place])) };
  }
  return packageLock({
    direct: direct.map((each) => ({ name: each.name, id: each.directory })),
    nodes: installedNodes(closure),
  });
}

const slashed = (path: string): string => path.split(sep).join('/');
const keyOf = (lockfile: Lockfile, directory: string): string =>
  slashed(relative(lockfile.directory, directory));

const NODE_MODULES = 'node_modules/';
const nameAt = (key: string): string => key.slice(key.lastIndexOf(NODE_MODULES) + NODE_MODULES.length);

/** Is what the lockfile says of the closure what lies there? */
function isInstalled(lockfile: Lockfile, found: ReadonlyMap<string, ClosureEntry>): boolean {
  return [...found].every(([directory, entry]) => {
    const locked = lockfile.packages[keyOf(lockfile, directory)];
    return locked !== undefined && (locked.version ?? '0.0.0') === entry.version;
  });
}

function lockedNodes(lockfile: Lockfile, direct: readonly string[]): Map<string, ClosureNode> {
  const nodes = new Map<string, ClosureNode>();
  const queue = [...direct];
  for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
    if (nodes.has(key)) continue;
    const node = lockedNode(lockfile, key);
    nodes.set(key, node);
    queue.push(...node.dependencies.map((edge) => edge.to));
  }
  return nodes;
}

function lockedNode(lockfile: Lockfile, key: string): ClosureNode {
  const locked = lockfile.packages[key]!;
  const { version = '0.0.0', resolved = '' } = locked;
  const base = { id: key, name: locked.name ?? nameAt(key), version, place: key };
  if (locked.link === true || !key.includes(NODE_MODULES)) {
    const at = locked.link === true ? resolved : key;
    return {
      ...base,
      integrity: undefined,
      resolved: undefined,
      unavailable: `it is linked from ${at}`,
      facts: {},
      dependencies: [],
    };
  }
  return {
    ...base,
    integrity: locked.integrity,
    resolved: resolved.startsWith('git') ? withoutQuery(resolved) : undefined,
    unavailable: resolved.startsWith('file:')
      ? `the project installs it from a file (${resolved.slice('file:'.length)})`
      : undefined,
    facts: factsOf(locked),
    dependencies: edgesOf(locked, (name) => lockedDependency(lockfile, key, name)),
  };
}

/** The commit stands behind `#`; what stands before it may hold a token. */
function withoutQuery(url: string): string {
  const commit = url.indexOf('#');
  const address = commit === -1 ? url : url.slice(0, commit);
  return withoutCredentials(address) + (commit === -1 ? '' : url.slice(commit));
}

function factsOf(locked: LockedPackage): Readonly<Record<string, unknown>> {
  const { os, cpu, libc, bin, hasInstallScript, inBundle, bundleDependencies } = locked;
  const facts = { os, cpu, libc, bin, hasInstallScript, inBundle, bundleDependencies };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

interface Declared {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: PeerMeta;
}

/** What is declared and not there (a peer that nobody brought, another platform's) is no edge. */
function edgesOf(declared: Declared, find: (name: string) => string | undefined): Edge[] {
  const optional = new Set(Object.keys(declared.optionalDependencies ?? {}));
  for (const [name, meta] of Object.entries(declared.peerDependenciesMeta ?? {})) {
    if (meta.optional === true && !Object.hasOwn(declared.dependencies ?? {}, name)) optional.add(name);
  }
  const names = Object.keys({
    ...declared.dependencies,
    ...declared.optionalDependencies,
    ...declared.peerDependencies,
  });
  return names.flatMap((name) => {
    const to = find(name);
    return to === undefined ? [] : { name, to, optional: optional.has(name) };
  });
}

function installedNodes({ found, root, files, resolver }: ClosureToLock): Map<string, ClosureNode> {
  const nodes = new Map<string, ClosureNode>();
  for (const [directory, entry] of found) {
    const json = files.readJson(join(directory, 'package.json')) ?? {};
    const place = slashed(relative(root, directory));
    const isInstalledHere = directory.includes(`${sep}node_modules${sep}`);
    nodes.set(directory, {
      id: directory,
      name: entry.name,
      version: entry.version,
      integrity: entry.integrity?.startsWith('sha') === true ? entry.integrity.split(' ')[0] : undefined,
      resolved: undefined,
      unavailable: isInstalledHere ? undefined : `it is linked from ${place}`,
      facts: factsOf(declaredFacts(json)),
      dependencies: edgesOf(json, (name) => {
        const installed = resolver.installedDirectory(name, directory);
        const real = installed === undefined ? undefined : files.realPath(installed);
        return real !== undefined && found.has(real) ? real : undefined;
      }),
      place,
    });
  }
  return nodes;
}

/** As npm puts them into a lockfile. */
function declaredFacts(json: Readonly<Record<string, unknown>>): LockedPackage {
  const { os, cpu, libc, bin, name, scripts, gypfile } = json as {
    readonly [Key in 'os' | 'cpu' | 'libc']?: readonly string[];
  } & {
    readonly bin?: unknown;
    readonly name?: string;
    readonly scripts?: Readonly<Record<string, string>>;
    readonly gypfile?: boolean;
  };
  const hasInstallScript =
    gypfile === true ||
    ['preinstall', 'install', 'postinstall'].some((each) => scripts?.[each] !== undefined);
  return {
    ...(os === undefined ? {} : { os }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(libc === undefined ? {} : { libc }),
    ...(bin === undefined ? {} : { bin: typeof bin === 'string' ? { [unscoped(name ?? '')]: bin } : bin }),
    ...(hasInstallScript ? { hasInstallScript } : {}),
  };
}

const unscoped = (name: string): string => name.slice(name.indexOf('/') + 1);
