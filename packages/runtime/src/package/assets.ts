import { statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import type { TrackedFiles } from './source/tracked-files.js';

/** A file that goes with a package. */
export interface Asset {
  /** Absolute. */
  readonly source: string;
  /** In the package's `assets/`: relative to the project's root, so that relative paths keep working. */
  readonly path: string;
}

/** Finds the files of `assets: ['./model.onnx', 'data/**.csv']`, relative to the source file. */
export function findAssets(options: {
  readonly patterns: readonly string[];
  readonly sourceFile: string;
  readonly root: string;
  /** What messages call the code that declares them. */
  readonly what: string;
  readonly at: SourceLocation;
  readonly files: TrackedFiles;
}): { readonly assets: readonly Asset[]; readonly diagnostics: readonly Diagnostic[] } {
  const { patterns, sourceFile, root, what, at } = options;
  const found = new Map<string, Asset>();
  const diagnostics: Diagnostic[] = [];
  const fail = (code: string, message: string, help: string): void => {
    diagnostics.push({ code, severity: 'error', message, at, help });
  };
  for (const pattern of patterns) {
    let matching: readonly string[];
    try {
      matching = filesOf(
        options.files,
        resolve(dirname(sourceFile), fixedPart(pattern)),
        isGlob(pattern) ? globExpression(globPart(pattern)) : undefined,
      );
    } catch (error) {
      // A loop of links, a directory that may not be read, a `[z-a]`.
      const reason = error instanceof Error ? error.message : String(error);
      fail(
        'asset-unreadable',
        `the asset "${pattern}" of ${what} cannot be read: ${reason}`,
        'check the path',
      );
      continue;
    }
    if (matching.length === 0) {
      fail(
        'asset-missing',
        `${what} declares the asset "${pattern}", which does not exist`,
        `paths are relative to ${dirname(sourceFile)}`,
      );
    }
    for (const file of matching) {
      const path = relative(root, file).split(sep).join('/');
      // A link that leads outside is outside.
      const real = relative(options.files.realPath(root), options.files.realPath(file));
      if (path.startsWith('../') || real.startsWith(`..${sep}`)) {
        fail(
          'asset-outside',
          `the asset "${pattern}" of ${what} lies outside of the project`,
          `assets must lie below ${root}`,
        );
        break;
      }
      if (statSync(file).size > LARGEST) {
        fail(
          'asset-too-large',
          `the asset "${pattern}" of ${what} is too large: ${path} has more than 1 GiB`,
          'give it as an input, with file(path)',
        );
        continue;
      }
      found.set(path, { source: file, path });
    }
  }
  return { assets: [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), diagnostics };
}

/** Packages are read into memory; Node reads no more than 2 GiB at once. */
const LARGEST = 2 ** 30;

const isGlob = (pattern: string): boolean => /[*?{[]/.test(pattern);

/** The directories before the first wildcard. */
function fixedPart(pattern: string): string {
  if (!isGlob(pattern)) return pattern;
  const parts = pattern.split('/');
  return parts.slice(0, parts.findIndex(isGlob)).join('/') || '.';
}

/** From the first wildcard on. */
function globPart(pattern: string): string {
  const parts = pattern.split('/');
  return parts.slice(parts.findIndex(isGlob)).join('/');
}

function filesOf(files: TrackedFiles, base: string, glob: RegExp | undefined): string[] {
  if (files.isFile(base)) return [base];
  if (files.kind(base) !== 'directory') return [];
  return files
    .filesBelow(base)
    .filter((file) => glob === undefined || glob.test(relative(base, file).split(sep).join('/')));
}

/** `*` and `?` within a name, `**` across names, `{a,b}` and `[a-z]`. */
export function globExpression(glob: string): RegExp {
  let source = '';
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at]!;
    if (glob.startsWith('**/', at)) {
      source += '(?:.*/)?';
      at += 2;
    } else if (glob.startsWith('**', at)) {
      source += '.*';
      at += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '{') {
      source += '(?:';
      depth += 1;
    } else if (character === '}' && depth > 0) {
      source += ')';
      depth -= 1;
    } else if (character === ',' && depth > 0) source += '|';
    else if (character === '[' || character === ']') source += character;
    else source += character.replace(/[.+^$()|\\]/g, '\\$&');
  }
  return new RegExp(`^${source}$`);
}
