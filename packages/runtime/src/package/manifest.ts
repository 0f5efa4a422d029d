import { join } from 'node:path';
import {
  digest,
  type Diagnostic,
  type ExternalImport,
  type PackageManifest,
  type SourceLocation,
} from '@run-pipeline/core/model';
import { findAssets } from './assets.js';
import type { Bundled } from './bundle/bundle.js';
import { keepSources } from './bundle/kept-sources.js';
import { replaceMapped } from './bundle/mappings.js';
import type { Closures } from './dependencies/closure.js';
import { hashOf } from './digest.js';
import type { SlicedStep } from './packaging.js';
import { DEPENDENCY } from './placeholders.js';
import { projectPath } from './slice/emit.js';
import { entryEndLine, entryName, keptParameters } from './slice/entry.js';
import type { SliceFacts } from './slice/facts.js';
import { sliceSymbols } from './slice/symbols.js';
import {
  FRAMEWORK_PACKAGES,
  splitSpecifier,
  type InstalledPackage,
  type Resolver,
} from './source/resolve.js';
import type { TrackedFiles } from './source/tracked-files.js';
import type { PackageContent } from './write-packages.js';

/** Code that is bundled, and what is known of it. */
export interface BundledCode {
  /** What messages call it: `step train`, `the script train.ts`. */
  readonly what: string;
  readonly bundled: Bundled;
  readonly assets: { readonly patterns: readonly string[]; readonly sourceFile: string };
  /** Of the code, for messages. */
  readonly at: SourceLocation;
  readonly facts: Pick<SliceFacts, 'env' | 'readsEnvDynamically' | 'ownWorker'>;
  readonly diagnostics: readonly Diagnostic[];
  readonly manifest: Pick<PackageManifest, 'id' | 'entry' | 'binding' | 'reads' | 'symbols' | 'source'>;
}

interface ManifestContext {
  readonly code: BundledCode;
  readonly closures: Closures;
  readonly root: string;
  readonly files: TrackedFiles;
  readonly resolver: Resolver;
}

/** A bundled step. */
export function bundledStep(
  step: SlicedStep,
  bundled: Bundled,
  { root, files }: { readonly root: string; readonly files: TrackedFiles },
): BundledCode {
  const { request, slice, at, facts, diagnostics } = step;
  const { entry } = slice;
  const name = request.name ?? request.key;
  return {
    what: `step ${name}`,
    bundled,
    assets: { patterns: request.assets, sourceFile: entry.module.file },
    at,
    facts,
    diagnostics,
    manifest: {
      id: `${projectPath(root, entry.module.file)}#${entryName(entry, name)}`,
      entry:
        entry.kind === 'method'
          ? { kind: 'method', method: entry.method, parameters: keptParameters(slice) }
          : { kind: 'function' },
      binding: step.binding,
      reads: slice.reads,
      symbols: [...sliceSymbols(slice, root), ...bundled.files.map((file) => wholeFile(file, root, files))],
      source: { file: projectPath(root, at.file), line: at.line, endLine: entryEndLine(entry) },
    },
  };
}

/** Puts together what a package holds; the diagnostics are about its assets. */
export function packageContent(
  context: ManifestContext,
):
  | { readonly ok: true; readonly content: PackageContent }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const { code, closures, root, files } = context;
  const { bundled, facts } = code;
  const { assets, diagnostics } = findAssets({
    ...code.assets,
    root,
    what: code.what,
    at: code.at,
    files,
  });
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  const { found, packages } = externalsOf(context);
  const indexes = new Map(
    bundled.dependencies.map((specifier, index) => [specifier, `${DEPENDENCY}${index}`]),
  );
  const numbered = replaceMapped(bundled, PLACEHOLDER, (match) =>
    JSON.stringify(indexes.get(match[1]!) ?? match[1]),
  );
  const closure = closures.of(packages);
  const externals = found.map(({ external, directory }): ExternalImport => {
    const place = directory === undefined ? undefined : closure.places.get(directory);
    const isUsual = place === undefined || place === `node_modules/${external.package?.name}`;
    return isUsual ? external : { ...external, place };
  });
  const { id, entry, binding, reads, symbols, source } = code.manifest;
  const manifest: PackageManifest = {
    format: 1,
    id,
    entry,
    binding,
    // Over the code with specifiers in the place of indexes: what is imported counts.
    codeHash: hashOf('code', bundled.code),
    dependencies: Object.fromEntries(packages.map((each) => [each.name, each.version]).sort()),
    externals,
    closureHash: closure.hash,
    closure: closure.entries,
    native: closure.native,
    env: facts.env,
    readsEnvDynamically: facts.readsEnvDynamically,
    reads,
    assets: assets.map((asset) => ({
      path: `assets/${asset.path}`,
      hash: digest(`sha256:${files.note(asset.source)}`),
      size: files.bytes(asset.source)?.byteLength ?? 0,
    })),
    symbols,
    ownWorker: facts.ownWorker,
    warnings: code.diagnostics.map(({ code: warning, message, at: place }) => ({
      code: warning,
      message,
      ...(place === undefined
        ? {}
        : { at: `${projectPath(root, place.file)}:${place.line}:${place.column}` }),
    })),
    source,
  };
  return {
    ok: true,
    content: {
      manifest,
      code: `${numbered.code.trimEnd()}\n`,
      map: keepSources(numbered.map, { symbols, lines: (file) => files.lines(join(root, file)) }),
      lock: packages.length === 0 ? undefined : JSON.stringify(closure.lock),
      assets,
    },
  };
}

const PLACEHOLDER = new RegExp(`"(${DEPENDENCY}[^"]+)"`, 'g');

/** What the placeholders of a bundle stand for. */
function externalsOf({ code, resolver, root }: ManifestContext): {
  readonly found: readonly { readonly external: ExternalImport; readonly directory?: string }[];
  readonly packages: readonly InstalledPackage[];
} {
  const packages = new Map<string, InstalledPackage>();
  const found = code.bundled.dependencies.map((text): ReturnType<typeof externalsOf>['found'][number] => {
    const [specifier = '', query = ''] = text.slice(DEPENDENCY.length).split('?');
    if (FRAMEWORK_PACKAGES.includes(splitSpecifier(specifier).name)) {
      return { external: { specifier, kind: 'framework' } };
    }
    const from = /(?:^|&)from=(.*)$/.exec(query)?.[1] ?? '';
    const kind = query.startsWith('require') ? 'require' : 'import';
    const resolution = resolver.resolve(specifier, join(root, from, 'package.json'), kind);
    if (resolution.kind !== 'npm') throw new Error(`${specifier} no longer resolves from ${from}`);
    packages.set(resolution.package.directory, resolution.package);
    const { name, version, directory } = resolution.package;
    return {
      external: {
        specifier,
        package: { name, version },
        file: projectPath(directory, resolution.file),
        ...(from === '' ? {} : { from }),
        kind: 'npm',
      },
      directory,
    };
  });
  return { found, packages: [...packages.values()] };
}

/** A file that is bundled as it is: CommonJS, JSON. */
export const wholeFile = (
  file: string,
  root: string,
  files: TrackedFiles,
): PackageManifest['symbols'][number] => ({
  name: projectPath(root, file),
  file: projectPath(root, file),
  line: 1,
  hash: `sha256:${files.note(file)}`,
});
