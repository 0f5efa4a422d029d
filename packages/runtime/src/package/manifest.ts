import { join } from 'node:path';
import { digest, type Diagnostic, type ExternalImport, type PackageManifest } from '@run-pipeline/core/model';
import { findAssets } from './assets.js';
import type { Bundled } from './bundle/bundle.js';
import { replaceMapped } from './bundle/mappings.js';
import type { Closures } from './dependencies/closure.js';
import { hashOf } from './digest.js';
import type { SlicedStep } from './packaging.js';
import { DEPENDENCY } from './placeholders.js';
import { projectPath } from './slice/emit.js';
import { entryEndLine, entryName, keptParameters } from './slice/entry.js';
import { sliceSymbols } from './slice/symbols.js';
import {
  FRAMEWORK_PACKAGES,
  splitSpecifier,
  type InstalledPackage,
  type Resolver,
} from './source/resolve.js';
import type { TrackedFiles } from './source/tracked-files.js';
import type { PackageContent } from './write-packages.js';

interface ManifestContext {
  readonly step: SlicedStep;
  readonly bundled: Bundled;
  readonly closures: Closures;
  readonly root: string;
  readonly files: TrackedFiles;
  readonly resolver: Resolver;
}

/** Puts together what a package holds; the diagnostics are about its assets. */
export function packageContent(
  context: ManifestContext,
):
  | { readonly ok: true; readonly content: PackageContent }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const { step, bundled, closures, root, files } = context;
  const { request, slice, at } = step;
  const { assets, diagnostics } = findAssets({
    patterns: request.assets,
    sourceFile: slice.entry.module.file,
    root,
    step: request.name ?? request.key,
    at,
    files,
  });
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  const { externals, packages } = externalsOf(context);
  const indexes = new Map(
    bundled.dependencies.map((specifier, index) => [specifier, `${DEPENDENCY}${index}`]),
  );
  const numbered = replaceMapped(bundled, PLACEHOLDER, (match) =>
    JSON.stringify(indexes.get(match[1]!) ?? match[1]),
  );
  const closure = closures.of(packages);
  const { entry } = slice;
  const manifest: PackageManifest = {
    format: 1,
    id: `${projectPath(root, entry.module.file)}#${entryName(entry, request.name ?? request.key)}`,
    entry:
      entry.kind === 'method'
        ? { kind: 'method', method: entry.method, parameters: keptParameters(slice) }
        : { kind: 'function' },
    binding: step.binding,
    // Over the code with specifiers in the place of indexes: what is imported counts.
    codeHash: hashOf('code', bundled.code),
    dependencies: Object.fromEntries(packages.map((each) => [each.name, each.version]).sort()),
    externals,
    closureHash: closure.hash,
    closure: closure.entries,
    native: closure.native,
    env: step.facts.env,
    readsEnvDynamically: step.facts.readsEnvDynamically,
    reads: slice.reads,
    assets: assets.map((asset) => ({
      path: `assets/${asset.path}`,
      hash: digest(`sha256:${files.note(asset.source)}`),
      size: files.bytes(asset.source)?.byteLength ?? 0,
    })),
    symbols: [...sliceSymbols(slice, root), ...bundled.files.map((file) => wholeFile(file, root, files))],
    ownWorker: step.facts.ownWorker,
    warnings: step.diagnostics.map(({ code, message, at: place }) => ({
      code,
      message,
      ...(place === undefined
        ? {}
        : { at: `${projectPath(root, place.file)}:${place.line}:${place.column}` }),
    })),
    source: { file: projectPath(root, at.file), line: at.line, endLine: entryEndLine(entry) },
  };
  return {
    ok: true,
    content: {
      manifest,
      code: `${numbered.code.trimEnd()}\n//# sourceMappingURL=task.mjs.map\n`,
      map: numbered.map,
      lock: packages.length === 0 ? undefined : JSON.stringify(closure.lock),
      assets,
    },
  };
}

const PLACEHOLDER = new RegExp(`"(${DEPENDENCY}[^"]+)"`, 'g');

/** What the placeholders of a bundle stand for. */
function externalsOf({ bundled, resolver, root }: ManifestContext): {
  readonly externals: readonly ExternalImport[];
  readonly packages: readonly InstalledPackage[];
} {
  const packages = new Map<string, InstalledPackage>();
  const externals = bundled.dependencies.map((text): ExternalImport => {
    const [specifier = '', query = ''] = text.slice(DEPENDENCY.length).split('?');
    if (FRAMEWORK_PACKAGES.includes(splitSpecifier(specifier).name)) return { specifier, kind: 'framework' };
    const from = /(?:^|&)from=(.*)$/.exec(query)?.[1] ?? '';
    const kind = query.startsWith('require') ? 'require' : 'import';
    const resolution = resolver.resolve(specifier, join(root, from, 'package.json'), kind);
    if (resolution.kind !== 'npm') throw new Error(`${specifier} no longer resolves from ${from}`);
    packages.set(resolution.package.directory, resolution.package);
    const { name, version, directory } = resolution.package;
    return {
      specifier,
      package: { name, version },
      file: projectPath(directory, resolution.file),
      ...(from === '' ? {} : { from }),
      kind: 'npm',
    };
  });
  return { externals, packages: [...packages.values()] };
}

/** A file that is bundled as it is: CommonJS, JSON. */
const wholeFile = (file: string, root: string, files: TrackedFiles): PackageManifest['symbols'][number] => ({
  name: projectPath(root, file),
  file: projectPath(root, file),
  line: 1,
  hash: `sha256:${files.note(file)}`,
});
