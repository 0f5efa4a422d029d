import { realpathSync, statSync } from 'node:fs';
import {
  hashOfNames,
  kindOf,
  listDirectory,
  readContent,
  stampOf,
  type Observation,
  type TrackedFiles,
} from '../source/tracked-files.js';

/**
 * Everything that packaging looked at, as JSON. A memo is good as long as every look would find the
 * same (INVARIANTS 5): contents, files that were there, files that were *not* there, directories as
 * they were listed, the sizes and times in unpacked packages, and where links led. A content is taken to be unchanged when size and time are,
 * unless the time was younger than 2 s when the content was read.
 */
export interface Inputs {
  readonly contents: readonly (readonly [
    path: string,
    size: number,
    mtime: string,
    hash: string,
    settled: 0 | 1,
  ])[];
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly missing: readonly string[];
  readonly listed: readonly (readonly [directory: string, hash: string])[];
  readonly stamped: readonly (readonly [directory: string, hash: string])[];
  readonly links: readonly (readonly [path: string, real: string])[];
}

export const NO_INPUTS: Inputs = {
  contents: [],
  files: [],
  directories: [],
  missing: [],
  listed: [],
  stamped: [],
  links: [],
};

export function inputsOf(tracked: TrackedFiles): Inputs {
  const of = (kind: Observation['kind']): string[] =>
    [...tracked.observed].flatMap(([path, observation]) => (observation.kind === kind ? [path] : []));
  return {
    contents: [...tracked.observed].flatMap(([path, observation]) =>
      observation.kind === 'content'
        ? [
            [
              path,
              observation.size,
              observation.mtime,
              observation.hash,
              observation.settled ? 1 : 0,
            ] as const,
          ]
        : [],
    ),
    files: of('file'),
    directories: of('directory'),
    missing: of('missing'),
    listed: [...tracked.listed],
    stamped: [...tracked.stamped],
    links: [...tracked.links],
  };
}

/** Both: what two packagings looked at. Only for inputs that are good at the same time. */
export function mergeInputs(a: Inputs, b: Inputs): Inputs {
  const byKey = <T extends readonly [string, ...unknown[]]>(x: readonly T[], y: readonly T[]): T[] => [
    ...new Map([...x, ...y].map((entry) => [entry[0], entry])).values(),
  ];
  const unique = (x: readonly string[], y: readonly string[]): string[] => [...new Set([...x, ...y])];
  return {
    contents: byKey(a.contents, b.contents),
    files: unique(a.files, b.files),
    directories: unique(a.directories, b.directories),
    missing: unique(a.missing, b.missing),
    listed: byKey(a.listed, b.listed),
    stamped: byKey(a.stamped, b.stamped),
    links: byKey(a.links, b.links),
  };
}

/** The inputs with fresh times when nothing changed (the same object if no time did), else undefined. */
export function stillGood(inputs: Inputs): Inputs | undefined {
  for (const path of inputs.missing) if (kindOf(path) !== 'missing') return undefined;
  for (const path of inputs.files) if (kindOf(path) !== 'file') return undefined;
  for (const path of inputs.directories) if (kindOf(path) !== 'directory') return undefined;
  let isRefreshed = false;
  const contents: Inputs['contents'][number][] = [];
  for (const entry of inputs.contents) {
    const [path, size, mtime, hash, settled] = entry;
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined || stats.size !== BigInt(size)) return undefined;
    if (settled === 1 && String(stats.mtimeNs) === mtime) {
      contents.push(entry);
      continue;
    }
    const { observation } = readContent(path);
    if (observation.hash !== hash) return undefined;
    isRefreshed ||= observation.settled;
    contents.push([path, observation.size, observation.mtime, hash, observation.settled ? 1 : 0]);
  }
  for (const [directory, hash] of inputs.listed) {
    if (hashOfNames(listDirectory(directory)) !== hash) return undefined;
  }
  for (const [directory, hash] of inputs.stamped) if (stampOf(directory).hash !== hash) return undefined;
  for (const [path, real] of inputs.links) if (realPath(path) !== real) return undefined;
  return isRefreshed ? { ...inputs, contents } : inputs;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
