import { realpathSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import type { ExternalImport, PackageManifest } from '@run-pipeline/core/model';
import { projectPath } from '../slice/emit.js';
import { Resolver, type InstalledPackage } from '../source/resolve.js';
import { TrackedFiles } from '../source/tracked-files.js';
import { TsConfigs } from '../source/tsconfig.js';
import { Closures } from './closure.js';

/** An import that was resolved here, of code that is to be evaluated elsewhere. */
export interface ResolvedImport {
  /** As written: `lodash/fp`. */
  readonly specifier: string;
  /** Absolute path of the module that imports it. */
  readonly importer: string;
  /** Absolute path that it resolved to. */
  readonly file: string;
}

/** The npm packages of such code: what a step's package says of its own, and their lockfile. */
export interface LockedImports extends Pick<PackageManifest, 'closure' | 'closureHash'> {
  /** In the order in which they were given; undefined for a file that belongs to no npm package. */
  readonly externals: readonly (ExternalImport | undefined)[];
  /** Shaped as package-lock.json: of all platforms, with integrities; undefined without imports. */
  readonly lock: string | undefined;
}

/**
 * The closure of npm imports as the project has it installed, and the lockfile by which another machine
 * installs the same.
 */
export function lockImports(options: {
  readonly root: string;
  readonly imports: readonly ResolvedImport[];
}): LockedImports {
  const root = realpathSync.native(options.root);
  const files = new TrackedFiles();
  const resolver = new Resolver(files, new TsConfigs(files));
  const owned = options.imports.map((each) => ({ ...each, owner: ownerOf(each, resolver) }));
  const direct = [
    ...new Map(
      owned.flatMap(({ owner }) => (owner === undefined ? [] : [[owner.directory, owner] as const])),
    ).values(),
  ];
  const closure = new Closures({ files, resolver, root }).of(direct);
  return {
    externals: owned.map(({ specifier, importer, file, owner }): ExternalImport | undefined => {
      if (owner === undefined) return undefined;
      const { name, version, directory } = owner;
      const place = closure.places.get(directory);
      const from = projectPath(root, dirname(importer));
      return {
        specifier,
        package: { name, version },
        file: projectPath(directory, file),
        ...(from === '' ? {} : { from }),
        ...(place === undefined || place === `node_modules/${name}` ? {} : { place }),
        kind: 'npm',
      };
    }),
    closure: closure.entries,
    closureHash: closure.hash,
    lock: direct.length === 0 ? undefined : JSON.stringify(closure.lock),
  };
}

const NODE_MODULES = `${sep}node_modules${sep}`;

/** The package whose directory lies in the innermost `node_modules` of the path. */
function ownerOf({ file }: ResolvedImport, resolver: Resolver): InstalledPackage | undefined {
  const real = realpathSync.native(file);
  const start = real.lastIndexOf(NODE_MODULES);
  const [first = '', second = ''] = real.slice(start + NODE_MODULES.length).split(sep);
  const name = first.startsWith('@') ? `${first}${sep}${second}` : first;
  return start === -1 ? undefined : resolver.packageAt(real.slice(0, start) + NODE_MODULES + name);
}
