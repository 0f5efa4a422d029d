import type { Diagnostic, PackageManifest, SourceLocation } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import { bundle, type Bundled } from './bundle/bundle.js';
import { Closures } from './dependencies/closure.js';
import { findStep } from './find/find-step.js';
import type { FindContext } from './find/found-step.js';
import { FunctionIndex } from './find/function-index.js';
import { placeOf, type MapToSource, type StepPlace } from './find/place.js';
import { bundledStep, packageContent } from './manifest.js';
import { inputsOf, type Inputs } from './memo/inputs.js';
import type { MemoisedStep } from './memo/memo.js';
import { Drivers } from './module/drivers.js';
import type { Item, Module } from './module/module.js';
import { Program } from './module/program.js';
import { registeredFunctions } from './module/registered.js';
import type { PackageRequest } from './packager.js';
import { argumentBinding } from './slice/binding.js';
import { classShape, type ClassShape } from './slice/class-members.js';
import { emitSlice, entryId } from './slice/emit.js';
import { entryModule, entryPlace } from './slice/entry.js';
import { mergeFacts, sliceFacts, wholeFileFacts, type SliceFacts } from './slice/facts.js';
import { Setup } from './slice/setup.js';
import { compareSteps, type ComparedStep } from './slice/shared-state.js';
import type { Slice } from './slice/slice.js';
import { Slicer } from './slice/slicer.js';
import { Resolver } from './source/resolve.js';
import { TrackedFiles } from './source/tracked-files.js';
import { TsConfigs } from './source/tsconfig.js';
import { writePackages, type PackageContent } from './write-packages.js';

/** What packaging from the sources gives. */
export interface FreshPackages {
  readonly steps: ReadonlyMap<PackageRequest, MemoisedStep>;
  readonly diagnostics: readonly Diagnostic[];
  /** Keys that must not be packaged, steps of earlier packagings among them. */
  readonly refused: ReadonlySet<string>;
  readonly inputs: Inputs;
}

/** A step whose slice is known. */
export interface SlicedStep {
  readonly request: PackageRequest;
  readonly slice: Slice;
  readonly facts: SliceFacts;
  readonly binding: PackageManifest['binding'];
  /** Of the step's function. */
  readonly at: SourceLocation;
  readonly diagnostics: readonly Diagnostic[];
}

/** Packages steps from their sources: parse, find, slice, bundle, write. */
export async function packageFromSources(options: {
  readonly paths: ProjectPaths;
  readonly requests: readonly PackageRequest[];
  readonly mapToSource: MapToSource;
  /** Steps that are packaged already, to compare with. */
  readonly siblings: readonly ComparedStep[];
}): Promise<FreshPackages> {
  return new Packaging(options.paths, options.mapToSource).run(options.requests, options.siblings);
}

/** One packaging: what it reads, it reads once. */
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
  readonly #shapes = new Map<Item, ClassShape | undefined>();
  readonly #diagnostics: Diagnostic[] = [];

  constructor(paths: ProjectPaths, mapToSource: MapToSource) {
    this.#paths = paths;
    this.#mapToSource = mapToSource;
  }

  async run(requests: readonly PackageRequest[], siblings: readonly ComparedStep[]): Promise<FreshPackages> {
    const places = new Map(
      requests.map((request) => [request, placeOf(request.code, this.#mapToSource, this.#files)]),
    );
    await this.#program.load([...new Set([...places.values()].flatMap((place) => place.files))]);
    const sliced = this.#slice(places);
    const bundles = await this.#bundle(sliced);
    const complete = await this.#withWholeFiles(sliced, bundles);
    const refused = this.#compare(complete, siblings);
    const accepted = complete.filter((step) => !refused.has(step.request.key));
    const steps = await this.#write(accepted, bundles);
    return { steps, refused, diagnostics: this.#diagnostics, inputs: inputsOf(this.#files) };
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
    return [...places].flatMap(
      ([request, place]) => this.#sliceStep({ request, place, context, index, setup }) ?? [],
    );
  }

  #sliceStep(options: {
    readonly request: PackageRequest;
    readonly place: StepPlace;
    readonly context: FindContext;
    readonly index: FunctionIndex;
    readonly setup: Setup;
  }): SlicedStep | undefined {
    const { request, place, context, index, setup } = options;
    const name = request.name ?? request.key;
    const found = findStep({ context, key: name, code: request.code, place, index });
    if (!found.ok) {
      this.#diagnostics.push(found.diagnostic);
      return undefined;
    }
    const { entry } = found;
    const { program, drivers, shapes } = context;
    const [file] = place.files;
    const scope = program.reachable(file === undefined ? entry.module.file : file);
    const slice = new Slicer({ program, drivers, setup, entry, shapes, scope }).run();
    const facts = sliceFacts({
      slice,
      program,
      drivers,
      root: this.#paths.root,
      step: name,
      cached: request.cached,
    });
    const at = entryPlace(entry);
    const bound = argumentBinding({
      request,
      functionNode: entry.functionNode,
      module: entryModule(entry),
      at,
    });
    const own = distinct([
      ...found.warnings,
      ...slice.diagnostics,
      ...facts.diagnostics,
      ...('diagnostic' in bound ? [bound.diagnostic] : []),
    ]);
    this.#diagnostics.push(...own);
    if ('diagnostic' in bound || own.some((each) => each.severity === 'error')) return undefined;
    return { request, slice, facts, binding: bound.binding, at, diagnostics: own };
  }

  #shape(item: Item): ClassShape | undefined {
    if (!this.#shapes.has(item)) this.#shapes.set(item, classShape(item, this.#drivers));
    return this.#shapes.get(item);
  }

  /** Tells the steps that cannot stand beside each other. */
  #compare(steps: readonly SlicedStep[], siblings: readonly ComparedStep[]): Set<string> {
    const fresh = steps.map(({ request, facts }): ComparedStep => ({
      key: request.key,
      name: request.name ?? request.key,
      writing: request.writing,
      shared: facts.shared,
    }));
    const refused = new Set<string>();
    for (const problem of compareSteps([...siblings, ...fresh])) {
      this.#diagnostics.push(problem.diagnostic);
      if (problem.diagnostic.severity === 'error') for (const key of problem.keys) refused.add(key);
    }
    return refused;
  }

  async #bundle(steps: readonly SlicedStep[]): Promise<ReadonlyMap<string, Bundled>> {
    const { root } = this.#paths;
    const requests = steps.map(({ request, slice, at }) => ({
      key: request.key,
      name: request.name ?? request.key,
      at,
      entry: entryId(slice, root),
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

  /** What is bundled as it is (CommonJS) reads the environment and keeps state as well. */
  async #withWholeFiles(
    steps: readonly SlicedStep[],
    bundles: ReadonlyMap<string, Bundled>,
  ): Promise<SlicedStep[]> {
    const files = new Set([...bundles.values()].flatMap((bundled) => bundled.files));
    await this.#program.load([...files]);
    return steps.flatMap((step) => {
      let complete: SlicedStep | undefined = step;
      for (const file of bundles.get(step.request.key)?.files ?? []) {
        const loaded = this.#program.loaded(file);
        if (loaded?.kind === 'module' && complete !== undefined)
          complete = this.#withFile(complete, loaded.module);
      }
      return complete ?? [];
    });
  }

  #withFile(step: SlicedStep, module: Module): SlicedStep | undefined {
    const { request } = step;
    const facts = wholeFileFacts({
      module,
      program: this.#program,
      drivers: this.#drivers,
      root: this.#paths.root,
      step: request.name ?? request.key,
      cached: request.cached,
    });
    this.#diagnostics.push(...facts.diagnostics);
    if (facts.diagnostics.some((each) => each.severity === 'error')) return undefined;
    const diagnostics = distinct([...step.diagnostics, ...facts.diagnostics]);
    return { ...step, facts: mergeFacts(step.facts, facts), diagnostics };
  }

  async #write(
    steps: readonly SlicedStep[],
    bundles: ReadonlyMap<string, Bundled>,
  ): Promise<Map<PackageRequest, MemoisedStep>> {
    const { root } = this.#paths;
    const closures = new Closures({ files: this.#files, resolver: this.#resolver, root });
    const ready: { readonly step: SlicedStep; readonly content: PackageContent }[] = [];
    for (const step of steps) {
      const bundled = bundles.get(step.request.key);
      if (bundled === undefined) continue;
      const made = packageContent({
        code: bundledStep(step, bundled, { root, files: this.#files }),
        closures,
        root,
        files: this.#files,
        resolver: this.#resolver,
      });
      if (made.ok) ready.push({ step, content: made.content });
      else this.#diagnostics.push(...made.diagnostics);
    }
    const tasks = writePackages(
      this.#paths,
      ready.map(({ content }) => content),
    );
    return new Map(
      ready.map(({ step }, index) => [
        step.request,
        { task: tasks[index]!, shared: step.facts.shared, diagnostics: step.diagnostics },
      ]),
    );
  }
}

function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [
    ...new Map(
      diagnostics.map((each) => [JSON.stringify([each.code, each.message, each.at]), each]),
    ).values(),
  ];
}
