import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ReadSetRecorder } from '../project/read-set.js';
import { mappedPaths, type PathMapping } from './tsconfig-chain.js';

const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.mts', '.mjs', '.cts', '.cjs', '.json', '.css'];
/** TypeScript's names for what an import writes as JavaScript. */
const REWRITTEN: readonly (readonly [string, readonly string[]])[] = [
  ['.js', ['.ts', '.tsx']],
  ['.jsx', ['.ts', '.tsx']],
  ['.mjs', ['.mts']],
  ['.cjs', ['.cts']],
];

/** An import as it is written, and the module that writes it. */
export interface LookUp {
  readonly specifier: string;
  readonly importer: string;
}

/**
 * Records where an import could have been found: a superset of what the resolver tried, so that a file
 * that appears and would be taken instead is noticed. Too many recorded paths cost a `stat` each; one
 * too few would be a wrong hit.
 */
export function recordLookUps(
  import_: LookUp,
  mappings: readonly PathMapping[],
  reads: ReadSetRecorder,
): void {
  const { specifier, importer } = import_;
  const from = dirname(importer);
  if (isAbsolute(specifier) || /^\.{1,2}(?:\/|$)/.test(specifier)) {
    recordPath(resolve(from, specifier), reads);
    return;
  }
  for (const path of mappedPaths(specifier, mappings)) recordPath(path, reads);
  if (specifier.startsWith('#')) return; // the importer's own package.json decides, which is recorded
  const name = packageName(specifier);
  for (let at = from; ; at = dirname(at)) {
    const directory = join(at, 'node_modules', name);
    if (reads.probe(join(directory, 'package.json'))) {
      reads.read(join(directory, 'package.json'));
      reads.link(directory);
      const subpath = specifier.slice(name.length + 1);
      if (subpath !== '') recordPath(join(directory, subpath), reads);
      return;
    }
    // A package may also be a lone file or a directory without a manifest.
    recordPath(join(at, 'node_modules', specifier), reads);
    if (dirname(at) === at) return;
  }
}

/** The package.json files that decide how a module is read (`type`, `imports`, `sideEffects`). */
export function recordManifests(file: string, reads: ReadSetRecorder): void {
  for (let at = dirname(file); ; at = dirname(at)) {
    if (reads.probe(join(at, 'package.json'))) {
      reads.read(join(at, 'package.json'));
      return;
    }
    if (dirname(at) === at) return;
  }
}

function recordPath(path: string, reads: ReadSetRecorder): void {
  for (const candidate of candidates(path)) look(candidate, reads);
  if (reads.probe(join(path, 'package.json'))) reads.read(join(path, 'package.json'));
  for (const candidate of candidates(join(path, 'index'))) look(candidate, reads);
}

/** What is found may be a link, whose target can change. */
function look(path: string, reads: ReadSetRecorder): void {
  if (reads.probe(path)) reads.link(path);
}

function candidates(path: string): string[] {
  const list = [path, ...EXTENSIONS.map((extension) => path + extension)];
  for (const [written, sources] of REWRITTEN) {
    if (path.endsWith(written))
      list.push(...sources.map((extension) => path.slice(0, -written.length) + extension));
  }
  return list;
}

export function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}
