import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { MODULE_PLACEHOLDER, PLACEHOLDER } from './placeholder.js';
import type { BundleExternal, BundlePlace, ResolveFramework, SourceBundle } from './discovery.js';

/** Where evaluated JavaScript is kept; may be deleted at any time. */
export const loadDirectory = (paths: ProjectPaths): string => join(paths.home, 'cache', 'load');

/**
 * Writes the bundle as Node can run it from anywhere: placeholders replaced by what they stand for on
 * this machine. The file is named by its content, so writing it twice is harmless.
 *
 * @returns the absolute path of the executable file.
 */
export async function materialise(options: {
  readonly paths: ProjectPaths;
  readonly file: string;
  readonly bundle: SourceBundle;
  readonly framework: ResolveFramework;
  readonly place?: BundlePlace | undefined;
}): Promise<string> {
  const { place } = options;
  const externals = options.bundle.externals.map((external) => {
    const file = place?.files.get(external.id) ?? external.file;
    return file === undefined ? external : { ...external, file };
  });
  const moved = externals.filter(({ file }) => file !== undefined && !existsSync(file));
  const found =
    moved.length === 0
      ? new Map<BundleExternal, string>()
      : await (await import('./resolve-again.js')).resolveAgain(moved, options.paths.root);
  const targets = new Map(
    externals.map((external) => [
      external.id,
      targetOf(external, found.get(external) ?? external.file, options.framework),
    ]),
  );
  for (const { id, file } of options.bundle.modules ?? []) targets.set(id, place?.moduleFile(file) ?? file);
  // esbuild writes import paths and plain strings as double-quoted literals.
  const code = options.bundle.code.replace(PLACEHOLDERS, (literal, id: string) => {
    const target = targets.get(id);
    return target === undefined ? literal : JSON.stringify(target);
  });
  const hash = createHash('sha256')
    .update(code)
    .update('\0')
    .update(options.bundle.map)
    .digest('hex')
    .slice(0, 24);
  const directory = loadDirectory(options.paths);
  const path = join(
    directory,
    `${basename(options.file, extname(options.file)).replace(/[^\w.-]/g, '_')}-${hash}.mjs`,
  );
  mkdirSync(directory, { recursive: true });
  writeMissing(`${path}.map`, options.bundle.map);
  writeMissing(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
  return path;
}

const PLACEHOLDERS = new RegExp(`"(?:${PLACEHOLDER}|${MODULE_PLACEHOLDER})([0-9a-f]+)"`, 'g');

function targetOf(external: BundleExternal, file: string | undefined, framework: ResolveFramework): string {
  if (file !== undefined) return external.kind === 'require' ? file : pathToFileURL(file).href;
  const url = framework(external.specifier);
  if (url === undefined) throw noSuchFramework(external);
  return url;
}

const noSuchFramework = (external: BundleExternal): RunPipelineError =>
  new RunPipelineError({
    kind: 'load',
    code: 'unresolved-import',
    message: `the import "${external.specifier}" cannot be found: run-pipeline has no such entry`,
    at: { file: external.importer, line: 1, column: 1 },
    help: "import from 'run-pipeline'",
  });

/** What is there already may be damaged. */
function writeMissing(path: string, content: string): void {
  try {
    if (readFileSync(path, 'utf8') === content) return;
  } catch {
    // It is not there yet.
  }
  writeAtomically(path, content);
}

/** Readers see the whole file or none: written beside, then renamed. */
export function writeAtomically(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
