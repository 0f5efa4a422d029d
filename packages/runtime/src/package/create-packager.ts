import { join } from 'node:path';
import type {
  Diagnostic,
  ExternalImport,
  PackageManifest,
  SourceLocation,
  TaskPackage,
} from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { findAssets } from './assets.js';
import { bundle, type Bundled } from './bundle/bundle.js';
import { replaceMapped } from './bundle/mappings.js';
import { Closures } from './dependencies/closure.js';
import { contentHash, hashOf } from './digest.js';
import { findStep, placeOf, type MapToSource, type StepPlace } from './find/find-step.js';
import type { FindContext } from './find/found-step.js';
import { FunctionIndex } from './find/function-index.js';
import { Drivers } from './module/drivers.js';
import type { Item } from './module/module.js';
import { Program } from './module/program.js';
import { registeredFunctions } from './module/registered.js';
import type { PackageRequest, PackageResult, PackageSteps } from './packager.js';
import { argumentBinding } from './slice/binding.js';
import { classShape, type ClassShape } from './slice/class-members.js';
import { DEPENDENCY, SLICE, emitSlice, projectPath } from './slice/emit.js';
import { sliceFacts, type SliceFacts } from './slice/facts.js';
import { Setup } from './slice/setup.js';
import { compareSteps, type ComparedStep } from './slice/shared-state.js';
import type { Slice, SliceEntry } from './slice/slice.js';
import { Slicer } from './slice/slicer.js';
import { sliceSymbols } from './slice/symbols.js';
import { FRAMEWORK_PACKAGES, Resolver, splitSpecifier, type InstalledPackage } from './source/resolve.js';
import { TrackedFiles } from './source/tracked-files.js';
import { TsConfigs } from './source/tsconfig.js';
import { writePackage } from './write-package.js';

/** What a packager works with. */
export interface PackagerOptions {
  /** From a place in an executed file to the user's own source. */
  readonly mapToSource: MapToSource;
}

/** Makes the function that packages steps. Keep one for a run. */
export function createPackager(options: PackagerOptions): PackageSteps {
  return ({ paths, requests }) => new Packaging(paths, options.mapToSource).run(requests);
}

/** A step whose slice is known. */
interface SlicedStep {
  readonly request: PackageRequest;
  readonly slice: Slice;
  readonly facts: SliceFacts;
  readonly binding: PackageManifest['binding'];
  readonly at: SourceLocation;
}

/** One call of the packager: what it reads, it reads once. */
class Packaging {
  readonly #paths: ProjectPaths;
  readonly #mapToSource: MapToSource;
  readonly #files = new TrackedFiles();
  readonly #tsconfigs = new TsConfigs(this.#files);
  readonly #resolver = new Resolver(this.#files, this.#tsconfigs);
  readonly #program = new Program({
    files: this.#files,
    resolver: this.#resolver,
    tsconfigs: this.#tsconfigs,
  });
  readonly #drivers = new Drivers(this.#program);
  readonly #diagnostics: Diagnostic[] = [];
  readonly #shapes = new Map<Item, ClassShape | undefined>();

  constructor(paths: ProjectPaths, mapToSource: MapToSource) {
    this.#paths = paths;
    this.#mapToSource = mapToSource;
  }

  async run(requests: readonly PackageRequest[]): Promise<PackageResult> {
    const places = new Map(requests.map((request) => [request, placeOf(request.code, this.#mapToSource)]));
    await this.#program.load([...new Set([...places.values()].flatMap((place) => place.files))]);
    const sliced = this.#withoutConflicts(this.#slice(places));
    const bundled = await this.#bundle(sliced);
    const packages = await this.#write(sliced, bundled);
    return { packages, diagnostics: distinct(this.#diagnostics), memoised: 0 };
  }

  #slice(places: ReadonlyMap<PackageRequest, StepPlace>): SlicedStep[] {
    const context: FindContext = {
      program: this.#program,
      drivers: this.#drivers,
      shapes: (item) => this.#shape(item),
    };
    const index = new FunctionIndex(this.#program);
    const registered = registeredFunctions(this.#program);
    const setup = new Setup({
      program: this.#program,
      drivers: this.#drivers,
      isStep: (item) =>
        registered.has(item) || this.#shape(item)?.members.some((member) => member.step) === true,
    });
    const steps: SlicedStep[] = [];
    for (const [request, place] of places) {
      const found = findStep({ context, key: request.key, code: request.code, place, index });
      if (!found.ok) {
        this.#diagnostics.push(found.diagnostic);
        continue;
      }
      const { entry } = found;
      const slice = new Slicer({
        program: this.#program,
        drivers: this.#drivers,
        setup,
        entry,
        shapes: context.shapes,
      }).run();
      const facts = sliceFacts({
        slice,
        program: this.#program,
        drivers: this.#drivers,
        root: this.#paths.root,
        step: request.key,
        cached: request.cached,
      });
      const at = entryPlace(entry);
      const bound = argumentBinding({ request, functionNode: entry.functionNode, at });
      const own = [
        ...found.warnings,
        ...slice.diagnostics,
        ...facts.diagnostics,
        ...('diagnostic' in bound ? [bound.diagnostic] : []),
      ];
      this.#diagnostics.push(...own);
      if ('diagnostic' in bound || own.some((each) => each.severity === 'error')) continue;
      steps.push({ request, slice, facts: { ...facts, diagnostics: own }, binding: bound.binding, at });
    }
    return steps;
  }

  #shape(item: Item): ClassShape | undefined {
    if (!this.#shapes.has(item)) this.#shapes.set(item, classShape(item, this.#drivers));
    return this.#shapes.get(item);
  }

  /** Leaves out steps that cannot stand beside each other. */
  #withoutConflicts(steps: readonly SlicedStep[]): SlicedStep[] {
    const compared = steps.map((step): ComparedStep => ({
      key: step.request.key,
      writing: step.request.writing,
      shared: step.facts.shared,
    }));
    const refused = new Set<string>();
    for (const problem of compareSteps(compared)) {
      this.#diagnostics.push(problem.diagnostic);
      if (problem.diagnostic.severity === 'error') for (const key of problem.keys) refused.add(key);
    }
    return steps.filter((step) => !refused.has(step.request.key));
  }

  async #bundle(steps: readonly SlicedStep[]): Promise<ReadonlyMap<string, Bundled>> {
    const { root } = this.#paths;
    const requests = steps.map(({ request, slice, at }) => ({
      key: request.key,
      at,
      entry: SLICE + projectPath(root, slice.entry.module.file),
      modules: emitSlice({ slice, program: this.#program, drivers: this.#drivers, root }),
    }));
    const { bundles, diagnostics } = await bundle({
      requests,
      root,
      resolver: this.#resolver,
      files: this.#files,
    });
    for (const each of diagnostics.values()) this.#diagnostics.push(...each);
    return bundles;
  }

  async #write(
    steps: readonly SlicedStep[],
    bundles: ReadonlyMap<string, Bundled>,
  ): Promise<Map<string, TaskPackage>> {
    const closures = new Closures({ files: this.#files, resolver: this.#resolver, root: this.#paths.root });
    const packages = new Map<string, TaskPackage>();
    const written = await Promise.all(
      steps.map(async (step) => {
        const bundled = bundles.get(step.request.key);
        return bundled === undefined
          ? undefined
          : ([step.request.key, await this.#package(step, bundled, closures)] as const);
      }),
    );
    for (const each of written) if (each?.[1] !== undefined) packages.set(each[0], each[1]);
    return packages;
  }

  async #package(step: SlicedStep, bundled: Bundled, closures: Closures): Promise<TaskPackage | undefined> {
    const { request, slice, facts, at } = step;
    const { root } = this.#paths;
    const { assets, diagnostics } = findAssets({
      patterns: request.assets,
      sourceFile: slice.entry.module.file,
      root,
      step: request.key,
      at,
    });
    if (diagnostics.length > 0) {
      this.#diagnostics.push(...diagnostics);
      return undefined;
    }
    const { externals, packages } = this.#externals(bundled.dependencies);
    const placeholders = new Map(
      bundled.dependencies.map((specifier, index) => [specifier, `${DEPENDENCY}${index}`]),
    );
    const numbered = replaceMapped(bundled, new RegExp(`"(${DEPENDENCY}[^"]+)"`, 'g'), (match) =>
      JSON.stringify(placeholders.get(match[1]!) ?? match[1]),
    );
    const closure = closures.of(packages);
    const { entry } = slice;
    const manifest: PackageManifest = {
      format: 1,
      id: `${projectPath(root, entry.module.file)}#${entryName(entry, request.key)}`,
      entry:
        entry.kind === 'method'
          ? { kind: 'method', method: entry.method, parameters: keptParameters(slice) }
          : { kind: 'function' },
      binding: step.binding,
      // With specifiers in place of indexes: what is imported counts, not where it stands in a list.
      codeHash: hashOf('code', bundled.code),
      dependencies: Object.fromEntries(packages.map((each) => [each.name, each.version]).sort()),
      externals,
      closureHash: closure.hash,
      closure: closure.entries,
      native: closure.native,
      env: facts.env,
      readsEnvDynamically: facts.readsEnvDynamically,
      reads: slice.reads,
      assets: assets.map((asset) => {
        const bytes = this.#files.bytes(asset.source);
        return { path: `assets/${asset.path}`, hash: contentHash(bytes), size: bytes.byteLength };
      }),
      symbols: [
        ...sliceSymbols(slice, root),
        ...bundled.files.map((file) => ({
          name: projectPath(root, file),
          file: projectPath(root, file),
          line: 1,
          hash: contentHash(this.#files.bytes(file)),
        })),
      ],
      ownWorker: facts.ownWorker,
      warnings: facts.diagnostics.map((each) => ({
        code: each.code,
        message: each.message,
        ...(each.at === undefined
          ? {}
          : { at: `${projectPath(root, each.at.file)}:${each.at.line}:${each.at.column}` }),
      })),
      source: { file: projectPath(root, entry.module.file), line: at.line, endLine: endLine(entry) },
    };
    return writePackage(this.#paths, {
      manifest,
      code: numbered.code,
      map: numbered.map,
      lock: JSON.stringify(closure.lock),
      assets,
    });
  }

  /** What the placeholders of a bundle stand for. */
  #externals(specifiers: readonly string[]): { externals: ExternalImport[]; packages: InstalledPackage[] } {
    const packages = new Map<string, InstalledPackage>();
    const externals = specifiers.map((text): ExternalImport => {
      const [specifier = '', query = ''] = text.slice(DEPENDENCY.length).split('?');
      if (FRAMEWORK_PACKAGES.includes(splitSpecifier(specifier).name))
        return { specifier, kind: 'framework' };
      const from = /(?:^|&)from=(.*)$/.exec(query)?.[1] ?? '';
      const kind = query.startsWith('require') ? 'require' : 'import';
      const resolution = this.#resolver.resolve(
        specifier,
        join(this.#paths.root, from, 'package.json'),
        kind,
      );
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
}

function entryPlace(entry: SliceEntry): SourceLocation {
  if (entry.functionNode !== undefined) {
    const module = entry.kind === 'method' ? methodModule(entry) : entry.module;
    return module.locate(entry.functionNode.start);
  }
  if (entry.kind === 'expression') return entry.module.locate(entry.node.start);
  const item = entry.kind === 'method' ? entry.item : entry.module.bindings.get(entry.name)?.[0];
  return entry.module.locate(item?.start ?? 0);
}

function endLine(entry: SliceEntry): number {
  const node =
    entry.functionNode ??
    (entry.kind === 'expression'
      ? entry.node
      : entry.kind === 'name'
        ? entry.module.bindings.get(entry.name)?.[0]
        : entry.item);
  const module = entry.kind === 'method' ? methodModule(entry) : entry.module;
  return node === undefined ? 1 : module.locate(Math.max(node.start, node.end - 1)).line;
}

/** A step's method may stand in a base class of another file. */
function methodModule(entry: Extract<SliceEntry, { kind: 'method' }>): SliceEntry['module'] {
  const shape = entry.chain.find((each) => each.byName.has(entry.method));
  return shape?.item.module ?? entry.module;
}

function entryName(entry: SliceEntry, key: string): string {
  if (entry.kind === 'method') return `${entry.item.declares[0]}.${entry.method}`;
  return entry.kind === 'name' ? entry.name : key;
}

function keptParameters(slice: Slice): string[] {
  const names = [...slice.modules.values()].flatMap((module) =>
    [...module.classes.values()].flatMap((kept) =>
      [...kept.kept].flatMap((member) => (member.parameter ? (member.name ?? []) : [])),
    ),
  );
  return [...new Set(names)].sort();
}

function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map(diagnostics.map((each) => [JSON.stringify([each.code, each.message, each.at]), each]));
  return [...seen.values()];
}
