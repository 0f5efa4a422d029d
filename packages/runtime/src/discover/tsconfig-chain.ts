import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ReadSetRecorder } from '../project/read-set.js';

/**
 * Records every file that decides how TypeScript below a directory is read: the tsconfig.json files up
 * the tree (and that there is none where there is none) with what they extend. esbuild does the
 * reading that counts; this makes its result reusable.
 *
 * Gives the `paths` targets of the nearest one, for recording failed look-ups.
 */
export function recordTsconfig(directory: string, reads: ReadSetRecorder): readonly PathMapping[] {
  for (let at = directory; ; at = dirname(at)) {
    const file = ['tsconfig.json', 'jsconfig.json']
      .map((name) => join(at, name))
      .find((path) => reads.probe(path));
    if (file !== undefined) return mappings(chain(file, reads, new Set()));
    if (dirname(at) === at) return [];
  }
}

/** `"@/*": ["src/*"]`, targets absolute. */
export interface PathMapping {
  readonly pattern: string;
  readonly targets: readonly string[];
}

interface Tsconfig {
  readonly file: string;
  readonly options: { readonly baseUrl?: unknown; readonly paths?: unknown };
}

function chain(file: string, reads: ReadSetRecorder, seen: Set<string>): Tsconfig[] {
  if (seen.has(file)) return []; // a circular extends is esbuild's to report
  seen.add(file);
  const text = reads.read(file);
  const config = text === undefined ? undefined : parse(text);
  if (config === undefined) return [];
  const parents = [config['extends']].flat().filter((item): item is string => typeof item === 'string');
  const inherited = parents.flatMap((parent) => {
    const found = findExtended(parent, file, reads);
    return found === undefined ? [] : chain(found, reads, seen);
  });
  return [...inherited, { file, options: (config['compilerOptions'] ?? {}) as Tsconfig['options'] }];
}

function findExtended(parent: string, from: string, reads: ReadSetRecorder): string | undefined {
  if (/^\.{1,2}(?:[\\/]|$)/.test(parent) || isAbsolute(parent)) {
    const path = resolve(dirname(from), parent);
    return [path, `${path}.json`, join(path, 'tsconfig.json')].find((candidate) => reads.probe(candidate));
  }
  // A package: every node_modules on the way is a look-up; `exports` may rename the file.
  for (let at = dirname(from); ; at = dirname(at)) {
    const path = join(at, 'node_modules', parent);
    const found = [path, `${path}.json`, join(path, 'tsconfig.json')].find((candidate) =>
      reads.probe(candidate),
    );
    if (found !== undefined) {
      reads.read(join(dirname(found), 'package.json'));
      return found;
    }
    if (dirname(at) === at) break;
  }
  try {
    return createRequire(from).resolve(parent);
  } catch {
    return undefined;
  }
}

function mappings(configs: readonly Tsconfig[]): readonly PathMapping[] {
  let paths: readonly PathMapping[] = [];
  let base: string | undefined;
  for (const { file, options } of configs) {
    if (typeof options.baseUrl === 'string') base = resolve(dirname(file), options.baseUrl);
    if (typeof options.paths === 'object' && options.paths !== null) {
      const from = base ?? dirname(file);
      paths = Object.entries(options.paths).map(([pattern, targets]) => ({
        pattern,
        targets: [targets]
          .flat()
          .filter((item): item is string => typeof item === 'string')
          .map((item) => resolve(from, item)),
      }));
    }
  }
  return base === undefined ? paths : [...paths, { pattern: '*', targets: [join(base, '*')] }];
}

/** The paths at which `specifier` may be found through `paths`; without extensions. */
export function mappedPaths(specifier: string, paths: readonly PathMapping[]): readonly string[] {
  return paths.flatMap(({ pattern, targets }) => {
    const star = pattern.indexOf('*');
    if (star < 0) return pattern === specifier ? targets : [];
    const head = pattern.slice(0, star);
    const tail = pattern.slice(star + 1);
    if (
      !specifier.startsWith(head) ||
      !specifier.endsWith(tail) ||
      specifier.length < head.length + tail.length
    )
      return [];
    const matched = specifier.slice(head.length, specifier.length - tail.length);
    return targets.map((target) => target.replace('*', () => matched));
  });
}

/** JSON with comments and trailing commas, as tsconfig files are written. */
function parse(text: string): Record<string, unknown> | undefined {
  const plain = text
    .replace(/^\ufeff/, '')
    .replace(
      /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (_, string: string | undefined) => string ?? '',
    )
    .replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? '');
  try {
    const value: unknown = JSON.parse(plain);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
