import { readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';

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
  readonly step: string;
  readonly at: SourceLocation;
}): { readonly assets: readonly Asset[]; readonly diagnostics: readonly Diagnostic[] } {
  const { patterns, sourceFile, root, step, at } = options;
  const found = new Map<string, Asset>();
  const diagnostics: Diagnostic[] = [];
  const fail = (code: string, message: string, help: string): void => {
    diagnostics.push({ code, severity: 'error', message, at, help });
  };
  for (const pattern of patterns) {
    const files = filesOf(
      resolve(dirname(sourceFile), fixedPart(pattern)),
      resolve(dirname(sourceFile), pattern),
      pattern,
    );
    if (files.length === 0) {
      fail(
        'asset-missing',
        `step ${step} declares the asset "${pattern}", which does not exist`,
        `paths are relative to ${dirname(sourceFile)}`,
      );
    }
    for (const file of files) {
      const path = relative(root, file).split(sep).join('/');
      if (path.startsWith('../') || path === '..') {
        fail(
          'asset-outside',
          `the asset "${pattern}" of step ${step} lies outside of the project`,
          `assets must lie below ${root}`,
        );
        break;
      }
      found.set(path, { source: file, path });
    }
  }
  return { assets: [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), diagnostics };
}

const isGlob = (pattern: string): boolean => /[*?{[]/.test(pattern);

/** The directories before the first wildcard. */
function fixedPart(pattern: string): string {
  if (!isGlob(pattern)) return pattern;
  const parts = pattern.split('/');
  return parts.slice(0, parts.findIndex(isGlob)).join('/') || '.';
}

function filesOf(base: string, full: string, pattern: string): string[] {
  const stats = statSync(base, { throwIfNoEntry: false });
  if (stats?.isFile() === true) return [base];
  if (stats?.isDirectory() !== true) return [];
  const matcher = isGlob(pattern) ? globExpression(full.split(sep).join('/')) : undefined;
  return filesBelow(base).filter((file) => matcher === undefined || matcher.test(file.split(sep).join('/')));
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory())
      return entry.name === 'node_modules' || entry.name === '.git' ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
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
