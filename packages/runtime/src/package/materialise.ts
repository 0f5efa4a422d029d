import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RunPipelineError, type ExternalImport, type TaskPackage } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import type { ProjectPaths } from '../project/project.js';
import { hashOf } from './digest.js';
import type { MaterialisePackage } from './packager.js';
import { DEPENDENCY, SOURCE } from './placeholders.js';
import { splitSpecifier } from './source/resolve.js';
import { mapComment, packageFile, removePackage, sourceRoot } from './package-file.js';
import { readTexts } from './write-packages.js';

/**
 * Makes a package runnable here: placeholders become file URLs, of packages as the project resolves
 * them and of this installation of the framework. A package without placeholders runs from where it
 * is; else the result lies in `<home>/cache/tasks/`, named by everything that went into it, and may be
 * deleted at any time.
 */
export const materialisePackage: MaterialisePackage = async ({ paths, package: task, modules }) => {
  const { externals, assets } = task.manifest;
  const installed: Installed =
    modules === undefined
      ? { root: paths.root, isEnvironment: false }
      : { root: realpathSync.native(modules), isEnvironment: true };
  const urls = externals.map((external) => urlOf(external, installed, task));
  const sources = assets.length > 0 ? join(task.directory, 'assets') : paths.root;
  const program = join(sources, task.manifest.source.file);
  const name = hashOf('materialised-3', task.hash, paths.root, sources, ...urls).slice('sha256:'.length);
  const directory = join(paths.home, 'cache', 'tasks');
  const file = join(directory, `${name}.mjs`);
  if (urls.length > 0 && isWhole(file)) return { file, sourceMap: file, program };
  const texts = readTexts(paths, task.hash);
  if (texts === undefined) throw damaged(paths, task);
  const root = sourceRoot(paths.root);
  if (!texts.code.match(PLACEHOLDERS) && texts.root === root) {
    const itself = packageFile(paths, task.hash);
    return { file: itself, sourceMap: itself, program };
  }
  const { replaceMapped } = await import('./bundle/mappings.js');
  const placed = replaceMapped(texts, PLACEHOLDERS, (match) => {
    const index = match.groups?.['index'];
    const path = match.groups?.['path'];
    const url = index === undefined ? pathToFileURL(join(sources, path ?? '')).href : urls[Number(index)];
    return JSON.stringify(url);
  });
  mkdirSync(directory, { recursive: true });
  const map = JSON.stringify({ ...(JSON.parse(placed.map) as object), sourceRoot: root });
  const module = `${placed.code}${mapComment(map)}`;
  writeWhole(file, `${module}${seal(module)}`);
  return { file, sourceMap: file, program };
};

const PLACEHOLDERS = new RegExp(`"(?:${DEPENDENCY}(?<index>\\d+)|${SOURCE}(?<path>[^"]+))"`, 'g');

/** Ends a file whose name cannot tell its content, so that a damaged one is seen before it runs (INVARIANTS 22). */
const seal = (code: string): string => `//${hashOf('materialised-code', code)}\n`;
const SEAL_LENGTH = seal('').length;

function isWhole(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    const end = text.length - SEAL_LENGTH;
    return end > 0 && seal(text.slice(0, end)) === text.slice(end);
  } catch {
    return false; // it is not there yet
  }
}

/** What is damaged is never run; it is taken away, so that the next run makes it again. */
function damaged(paths: ProjectPaths, task: TaskPackage): RunPipelineError {
  removePackage(paths, task.hash);
  return new RunPipelineError({
    kind: 'load',
    code: 'package-damaged',
    message: `the package of ${task.manifest.id} is missing or damaged: ${packageFile(paths, task.hash)}`,
    help: 'it has been removed; run again to make it anew',
  });
}

/** Where npm packages are looked for. */
interface Installed {
  readonly root: string;
  /** It holds all that it may be asked for: what lies above is another's. */
  readonly isEnvironment: boolean;
}

function urlOf(external: ExternalImport, installed: Installed, task: TaskPackage): string {
  if (external.kind === 'builtin') return external.specifier;
  if (external.kind === 'framework') return frameworkUrl(external.specifier);
  const runner = task.manifest.entry.kind === 'script' ? 'script' : 'step';
  return pathToFileURL(fileIn(external, installed, runner)).href;
}

/**
 * Where an npm import is installed here: absolute path of its file.
 *
 * @param options.modules An environment, which holds all that it may be asked for; left out: the project.
 * @param options.runner What imports it, for messages.
 */
export function installedFile(
  external: ExternalImport,
  options: { readonly root: string; readonly modules?: string; readonly runner: string },
): string {
  const { root, modules, runner } = options;
  const installed: Installed =
    modules === undefined
      ? { root, isEnvironment: false }
      : { root: realpathSync.native(modules), isEnvironment: true };
  return fileIn(external, installed, runner);
}

function fileIn(external: ExternalImport, installed: Installed, runner: string): string {
  const directory = findInstalled(external, installed);
  if (directory !== undefined) return join(directory, external.file ?? '');
  const wanted = external.package!;
  throw new RunPipelineError({
    kind: 'load',
    code: 'dependency-missing',
    message: `the package ${wanted.name}@${wanted.version}, which the ${runner} imports as "${external.specifier}", is not installed in ${installed.root}`,
    help: installed.isEnvironment
      ? 'remove this directory: it is then installed anew'
      : `install it: npm install ${wanted.name}@${wanted.version}`,
  });
}

/** Where the package of an import lies in a project, in the version that was recorded; undefined when it does not. */
export function installedDirectory(external: ExternalImport, root: string): string | undefined {
  return findInstalled(external, { root, isEnvironment: false });
}

/** The same, without looking above the root. */
export function directoryWithin(external: ExternalImport, root: string): string | undefined {
  return findInstalled(external, { root, isEnvironment: true });
}

function findInstalled(external: ExternalImport, { root, isEnvironment }: Installed): string | undefined {
  const wanted = external.package!;
  const placed = external.place === undefined ? undefined : join(root, external.place);
  if (isEnvironment && placed !== undefined && isPackage(placed, wanted)) return realpathSync.native(placed);
  const from = join(root, external.from ?? '');
  const isInside = from === root || from.startsWith(root + sep);
  const starts = isEnvironment && !isInside ? [root] : [from, root];
  // An alias is installed under the name by which it is imported.
  const names = [...new Set([splitSpecifier(external.specifier).name, wanted.name])];
  for (const start of starts) {
    for (const name of names) {
      const directory = nearest(name, { start, end: isEnvironment ? root : undefined });
      if (directory !== undefined && isPackage(directory, wanted)) return realpathSync.native(directory);
    }
  }
  return undefined;
}

/** As Node finds a package: the nearest one counts, whatever it is. */
function nearest(
  name: string,
  { start, end }: { readonly start: string; readonly end: string | undefined },
): string | undefined {
  for (let at = start; ; at = dirname(at)) {
    const directory = join(at, 'node_modules', name);
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (dirname(at) === at || at === end) return undefined;
  }
}

function isPackage(directory: string, wanted: { readonly name: string; readonly version: string }): boolean {
  let text: string;
  try {
    text = readFileSync(join(directory, 'package.json'), 'utf8');
  } catch {
    return false;
  }
  const json = JSON.parse(text) as { readonly name?: string; readonly version?: string };
  return json.name === wanted.name && (json.version ?? '0.0.0') === wanted.version;
}

/** From this very installation: a step then meets the framework that runs it. */
function frameworkUrl(specifier: string): string {
  const resolved = createRequire(import.meta.url).resolve(specifier);
  return pathToFileURL(realpathSync.native(resolved)).href;
}

function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(temporary, text);
  crashPoint('task-written');
  renameSync(temporary, path);
}
