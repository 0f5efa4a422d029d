import { isPresent } from '../module/syntax.js';
import type { Diagnostic } from '@run-pipeline/core/model';
import { stepArgument, type Drivers } from '../module/drivers.js';
import type { Item, Module, Reference } from '../module/module.js';
import type { Program, Target } from '../module/program.js';
import type { SyntaxNode } from '../module/syntax.js';
import { classNode, factsWithin, referencesWithin, type ClassShape } from './class-members.js';
import { ClassPruner } from './class-pruner.js';
import { referencesPipeline, referencesStep, setupDrives } from './problems.js';
import type { Setup } from './setup.js';
import type { ClassSlice, ModuleSlice, Slice, SliceEntry, SlicePart } from './slice.js';

/**
 * Computes the closure of one step: a work-list over declarations, across modules. An item enters
 * once; what it refers to follows. Set-up statements enter when they touch what is in.
 */
export class Slicer {
  readonly #program: Program;
  readonly #drivers: Drivers;
  readonly #setup: Setup;
  readonly #entry: SliceEntry;
  readonly #modules = new Map<Module, ModuleSlice>();
  readonly #diagnostics: Diagnostic[] = [];
  readonly #queue: SlicePart[] = [];
  readonly #reached = new Set<Module>();
  readonly #changers = new Set<Module>();
  readonly #scope: ReadonlySet<Module>;
  #reads: Slice['reads'] = [];
  #classState: Slice['classState'] = [];
  readonly #shapes: (item: Item) => ClassShape | undefined;

  constructor(options: {
    readonly program: Program;
    readonly drivers: Drivers;
    readonly setup: Setup;
    readonly entry: SliceEntry;
    readonly shapes: (item: Item) => ClassShape | undefined;
    /** The modules that evaluating the pipeline's file evaluates, that file first. */
    readonly scope: ReadonlySet<Module>;
  }) {
    this.#scope = options.scope;
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#setup = options.setup;
    this.#entry = options.entry;
    this.#shapes = options.shapes;
  }

  run(): Slice {
    const entry = this.#entry;
    switch (entry.kind) {
      case 'name':
        this.#reachModule(entry.module);
        this.#enterName(entry.module, entry.name);
        break;
      case 'expression':
        this.#reachModule(entry.module);
        this.#keep(entry.item, entry.node);
        break;
      case 'method':
        this.#reachModule(entry.module);
        this.#prune(entry);
        break;
    }
    this.#reachRoot();
    this.#drain();
    this.#placeChangers();
    const root = this.#root();
    return {
      entry,
      root,
      modules: this.#modules,
      diagnostics: this.#diagnostics,
      changers: [...this.#scope].filter((module) => module !== root && this.#changers.has(module)),
      reads: this.#reads,
      classState: this.#classState,
    };
  }

  /**
   * The pipeline's file is evaluated before any of its steps runs: what it sets up, or imports for its
   * effects alone (`import 'dotenv/config'`), is set up for the steps of other files too.
   */
  #reachRoot(): void {
    const [root] = this.#scope;
    if (root === undefined || root === this.#entry.module) return;
    this.#reachModule(root);
    const offset = this.#importOf(root, this.#entry.module);
    if (offset === undefined) return;
    this.#sliceOf(root).evaluated.push({ kind: 'module', module: this.#entry.module, offset });
  }

  /** A module that changes what the step reaches is evaluated where the pipeline's file imports it. */
  #placeChangers(): void {
    const [root] = this.#scope;
    if (root === undefined) return;
    for (const module of this.#changers) {
      const offset = module === root ? undefined : this.#importOf(root, module);
      if (offset === undefined) continue;
      this.#sliceOf(root).evaluated.push({ kind: 'module', module, offset });
      this.#changers.delete(module);
    }
  }

  /** Where the import stands through which one module evaluates another. */
  #importOf(from: Module, target: Module): number | undefined {
    return from.items.find((item) => {
      if (item.importing === undefined) return false;
      const resolution = this.#program.resolver.resolve(item.importing.specifier, from.file);
      return resolution.kind === 'file' && this.#program.reachable(resolution.file).has(target);
    })?.start;
  }

  /** When there is more to it than the import of the entry. */
  #root(): Module | undefined {
    const [root] = this.#scope;
    const slice = root === undefined || root === this.#entry.module ? undefined : this.#modules.get(root);
    if (slice === undefined) return undefined;
    const isEmpty =
      slice.items.size === 0 &&
      slice.evaluated.every((each) => each.kind === 'module' && this.#setsUpNothing(each.module, new Set()));
    if (isEmpty) slice.evaluated.length = 0;
    return isEmpty ? undefined : root;
  }

  #setsUpNothing(module: Module, seen: Set<Module>): boolean {
    if (module === this.#entry.module || seen.has(module)) return true;
    seen.add(module);
    const slice = this.#modules.get(module);
    return (
      slice === undefined ||
      (slice.items.size === 0 &&
        slice.evaluated.every((each) => each.kind === 'module' && this.#setsUpNothing(each.module, seen)))
    );
  }

  #drain(): void {
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      const { item, node } = next;
      for (const reference of referencesWithin(item, node)) {
        const { decorator } = reference;
        if (decorator !== undefined && this.#drivers.isFrameworkDecorator(item.module, decorator)) continue;
        this.#follow(item, reference);
      }
      for (const fact of factsWithin(item, node)) {
        if (fact.kind === 'dynamic-import' && fact.specifier !== undefined) {
          this.#enterDynamic(item, fact.specifier, fact.offset);
        }
      }
    }
  }

  #keep(item: Item, node: SyntaxNode): void {
    const part = { item, node };
    this.#sliceOf(item.module).parts.push(part);
    this.#queue.push(part);
  }

  #keepClass(kept: ClassSlice): void {
    const { item, node, decorators } = kept.shape;
    for (const decorator of decorators) this.#keep(item, decorator);
    if (kept.heritage && isPresent(node.superClass)) this.#keep(item, node.superClass as SyntaxNode);
    for (const member of kept.kept) this.#keep(item, member.node);
  }

  #prune(entry: Extract<SliceEntry, { kind: 'method' }>): void {
    const pruner = new ClassPruner({ chain: entry.chain, method: entry.method });
    for (const kept of pruner.run()) {
      const slice = this.#sliceOf(kept.shape.item.module);
      slice.items.add(kept.shape.item);
      slice.classes.set(kept.shape.item, kept);
      this.#reachModule(kept.shape.item.module);
      this.#keepClass(kept);
      this.#effectsOn(kept.shape.item);
    }
    this.#reads = pruner.reads;
    this.#classState = pruner.classState;
    this.#diagnostics.push(...pruner.diagnostics);
  }

  #sliceOf(module: Module): ModuleSlice {
    let slice = this.#modules.get(module);
    if (slice === undefined) {
      slice = {
        module,
        items: new Set(),
        parts: [],
        classes: new Map(),
        stepFunctions: new Map(),
        exported: new Set(),
        namespace: new Map(),
        evaluated: [],
      };
      this.#modules.set(module, slice);
    }
    return slice;
  }

  /** What evaluating a module does, whatever of it is used. */
  #reachModule(module: Module): void {
    if (this.#reached.has(module)) return;
    this.#reached.add(module);
    const slice = this.#sliceOf(module);
    for (const item of module.items) {
      if (item.kind === 'bare-import') this.#evaluate(slice, item.importing!.specifier, item.start);
    }
    for (const specifier of module.reexported) this.#evaluate(slice, specifier, 0);
    for (const effect of this.#setup.of(module)) if (effect.always) this.#enter(effect.item);
    for (const item of module.items) if (this.#isRegistration(item)) this.#enter(item);
  }

  #evaluate(slice: ModuleSlice, specifier: string, offset: number): void {
    const target = this.#program.imported({ module: slice.module, specifier, imported: '*', offset });
    if (target.kind === 'namespace') {
      this.#reachModule(target.module);
      slice.evaluated.push({ kind: 'module', module: target.module, offset });
    } else if (target.kind === 'unresolved') {
      this.#diagnostics.push(target.diagnostic);
    } else if (!(target.kind === 'external' && target.resolution.kind === 'framework')) {
      slice.evaluated.push({ kind: 'import', target, offset });
    }
  }

  /** `registerCodec(…)`: set-up of the framework that steps need. */
  #isRegistration(item: Item): boolean {
    const { node } = item;
    if (
      item.kind !== 'statement' ||
      node.type !== 'ExpressionStatement' ||
      node.expression.type !== 'CallExpression'
    ) {
      return false;
    }
    return item.references.some(
      (reference) =>
        reference.offset === node.start &&
        this.#program.frameworkName(item.module, reference) === 'registerCodec',
    );
  }

  #enterName(module: Module, name: string): void {
    for (const item of module.bindings.get(name) ?? []) {
      if (item.kind === 'import') this.#import(item, undefined);
      else this.#enter(item);
    }
  }

  #enter(item: Item): void {
    const slice = this.#sliceOf(item.module);
    if (slice.items.has(item)) return;
    slice.items.add(item);
    this.#reachModule(item.module);
    const shape = classNode(item) === undefined ? undefined : this.#shapes(item);
    if (shape?.members.some((member) => member.step) === true) {
      // A pipeline's class that code refers to: everything but its steps.
      const kept = new Set(shape.members.filter((member) => !member.step));
      const pruned: ClassSlice = { shape, kept, heritage: true };
      slice.classes.set(item, pruned);
      this.#keepClass(pruned);
    } else {
      this.#keep(item, item.node);
    }
    this.#effectsOn(item);
  }

  #effectsOn(item: Item): void {
    for (const effect of this.#setup.on(item)) {
      if (this.#entry.kind === 'expression' && effect.item === this.#entry.item) continue;
      const { module } = effect.item;
      if (!this.#scope.has(module)) continue;
      if (!effect.drives) {
        if (module !== item.module) this.#changers.add(module);
        this.#enter(effect.item);
      } else if (effect.changes.has(item)) {
        this.#diagnostics.push(setupDrives(effect, item));
      }
    }
  }

  #follow(from: Item, reference: Reference): void {
    for (const item of from.module.bindings.get(reference.name) ?? []) {
      if (item.kind === 'import') this.#import(item, reference);
      else if (this.#allowed(item, from, reference)) this.#enter(item);
    }
  }

  /** Pipelines and steps stay out: a reference to one is an error. */
  #allowed(item: Item, from: Item, reference: Reference): boolean {
    if (!this.#drivers.holdsPipeline(item)) return true;
    const step = this.#drivers.stepCall(item);
    const argument = step === undefined ? undefined : stepArgument(step);
    if (step !== undefined && argument !== undefined && reference.member === 'fn') {
      const slice = this.#sliceOf(item.module);
      if (!slice.stepFunctions.has(item)) {
        slice.items.add(item);
        slice.stepFunctions.set(item, argument);
        this.#reachModule(item.module);
        this.#keep(item, argument);
      }
      return false;
    }
    this.#diagnostics.push(
      step === undefined
        ? referencesPipeline({ from, reference, item })
        : referencesStep({ from, reference, item }),
    );
    return false;
  }

  #import(item: Item, reference: Reference | undefined): void {
    const slice = this.#sliceOf(item.module);
    const target = this.#program.target(item);
    if (target.kind === 'unresolved') {
      if (!slice.items.has(item)) this.#diagnostics.push(target.diagnostic);
      slice.items.add(item);
      return;
    }
    for (const module of target.via) this.#reachModule(module);
    if (target.kind === 'local') {
      const targets = target.module.bindings.get(target.name) ?? [];
      if (
        reference !== undefined &&
        !targets.every((each) => this.#allowed(each, item, { ...reference, name: reference.name }))
      ) {
        if (targets.some((each) => this.#sliceOf(target.module).stepFunctions.has(each)))
          this.#link(slice, item, target);
        return;
      }
      this.#link(slice, item, target);
      for (const each of targets) this.#enter(each);
      return;
    }
    slice.items.add(item);
    if (target.kind !== 'namespace') return;
    const member = reference?.member;
    this.#reachModule(target.module);
    const names = member === undefined ? this.#program.exportNames(target.module) : new Set([member]);
    for (const name of names) this.#throughNamespace(target.module, name, item, reference);
  }

  #link(slice: ModuleSlice, item: Item, target: Extract<Target, { kind: 'local' }>): void {
    slice.items.add(item);
    this.#reachModule(target.module);
    this.#sliceOf(target.module).exported.add(target.name);
  }

  /** One export of a module that is imported as a namespace, or dynamically. */
  #throughNamespace(module: Module, name: string, from: Item, reference: Reference | undefined): void {
    const slice = this.#sliceOf(module);
    if (slice.namespace.has(name)) return;
    const target = this.#program.exported(module, name);
    if (target === undefined || target.kind === 'unresolved') return;
    for (const via of target.via) this.#reachModule(via);
    if (target.kind === 'local') {
      const targets = target.module.bindings.get(target.name) ?? [];
      // Pipelines that a module exports beside what the step uses are simply left out.
      if (targets.some((each) => this.#drivers.holdsPipeline(each))) {
        if (reference?.member === name)
          for (const each of targets) this.#allowed(each, from, { ...reference, member: undefined });
        return;
      }
      slice.namespace.set(name, target);
      this.#sliceOf(target.module).exported.add(target.name);
      for (const each of targets) this.#enter(each);
      return;
    }
    slice.namespace.set(name, target);
    if (target.kind === 'namespace') {
      this.#reachModule(target.module);
      for (const inner of this.#program.exportNames(target.module))
        this.#throughNamespace(target.module, inner, from, undefined);
    }
  }

  /** `import('./lazy')` in an item. */
  #enterDynamic(item: Item, specifier: string, offset: number): void {
    const target = this.#program.imported({ module: item.module, specifier, imported: '*', offset });
    if (target.kind === 'unresolved') this.#diagnostics.push(target.diagnostic);
    if (target.kind === 'namespace') {
      this.#reachModule(target.module);
      for (const name of this.#program.exportNames(target.module)) {
        this.#throughNamespace(target.module, name, item, undefined);
      }
    }
  }
}
