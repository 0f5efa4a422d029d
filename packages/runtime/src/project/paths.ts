import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { ProjectPaths } from './project.js';

/** The directory name of a project's state. */
export const HOME_NAME = '.run-pipeline';

/**
 * Where things are for an invocation in `cwd`. Looks, in this order: `RUN_PIPELINE_HOME`; the nearest
 * `.run-pipeline/` at or above `cwd`; beside the package.json of the workspace that `cwd` belongs to
 * (the outermost one); beside the nearest package.json; `cwd` itself. Touches nothing.
 *
 * @example
 * ```ts
 * const paths = resolvePaths({ cwd: process.cwd(), env: process.env });
 * ```
 */
export function resolvePaths(options: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): ProjectPaths {
  // The real path, because bundlers and V8 report real paths and messages are relative to these.
  const cwd = real(resolve(options.cwd));
  const override = options.env['RUN_PIPELINE_HOME'];
  if (override !== undefined && override !== '') {
    return { cwd, root: workspaceRoot(cwd), home: resolve(cwd, override) };
  }
  for (const directory of ancestors(cwd)) {
    const home = join(directory, HOME_NAME);
    if (isDirectory(home)) return { cwd, root: directory, home };
  }
  const root = workspaceRoot(cwd);
  return { cwd, root, home: join(root, HOME_NAME) };
}

/** `directory` and everything above it, nearest first. */
export function ancestors(directory: string): string[] {
  const list = [directory];
  for (let at = directory; dirname(at) !== at; at = dirname(at)) list.push(dirname(at));
  return list;
}

function workspaceRoot(cwd: string): string {
  const above = ancestors(cwd);
  const nearest = above.find((directory) => existsSync(join(directory, 'package.json')));
  const outermost = above.findLast((directory) => {
    const patterns = workspacePatterns(directory);
    return (
      patterns !== undefined &&
      (directory === nearest || directory === cwd || covers(patterns, directory, cwd))
    );
  });
  return outermost ?? nearest ?? cwd;
}

/** The globs of a workspace root (npm, yarn, pnpm), or undefined when `directory` is none. */
function workspacePatterns(directory: string): readonly string[] | undefined {
  const pnpm = read(join(directory, 'pnpm-workspace.yaml'));
  if (pnpm !== undefined) return pnpmPackages(pnpm);
  const text = read(join(directory, 'package.json'));
  if (text === undefined) return undefined;
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return undefined; // a broken package.json is the package manager's to report
  }
  const workspaces = (manifest as { workspaces?: unknown } | null)?.workspaces;
  const list = Array.isArray(workspaces)
    ? workspaces
    : (workspaces as { packages?: unknown } | undefined)?.packages;
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : undefined;
}

/** The `packages:` list of pnpm-workspace.yaml: the only part needed, so no YAML parser. */
function pnpmPackages(text: string): readonly string[] {
  const patterns: string[] = [];
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const item = /^\s*-\s*(?:'([^']*)'|"([^"]*)"|([^#]*?))\s*(?:#.*)?$/.exec(line);
    if (inside && item !== null) patterns.push((item[1] ?? item[2] ?? item[3] ?? '').trim());
    else if (/^\S/.test(line) && !line.startsWith('#')) inside = /^packages\s*:/.test(line);
  }
  return patterns;
}

function covers(patterns: readonly string[], root: string, cwd: string): boolean {
  const parts = relative(root, cwd).split(sep);
  // A directory inside of a member belongs to it: any leading part may match.
  const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const matches = (pattern: string): boolean => {
    const expression = globExpression(pattern);
    return prefixes.some((prefix) => expression.test(prefix));
  };
  const included = patterns.filter((pattern) => !pattern.startsWith('!')).some(matches);
  return (
    included &&
    !patterns.filter((pattern) => pattern.startsWith('!')).some((pattern) => matches(pattern.slice(1)))
  );
}

/** `packages/*`, `apps/**`, `{a,b}/c`: as package managers read them, without character classes. */
function globExpression(glob: string): RegExp {
  const trimmed = glob.replace(/^\.\//, '').replace(/\/+$/, '');
  const source = trimmed.replace(/\*\*\/?|[*?{},]|[^*?{},]+/g, (token) => {
    if (token === '**/') return '(?:[^/]+/)*';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token === '{') return '(?:';
    if (token === '}') return ')';
    if (token === ',') return '|';
    return token.replace(/[\\^$.|+()[\]]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /$^/; // unbalanced braces: matches nothing
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
