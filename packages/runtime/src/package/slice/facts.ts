import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import { isFunctionValue, type Drivers } from '../module/drivers.js';
import { passesEnvironmentOn } from '../module/environment-reads.js';
import type { Item, ItemFact, Module, Reference } from '../module/module.js';
import type { Program } from '../module/program.js';
import { factsWithin, referencesWithin } from './class-members.js';
import { projectPath } from './emit.js';
import { isState } from './setup.js';
import type { SharedFacts } from './shared-state.js';
import type { Slice, SlicePart } from './slice.js';

/** What is known of a step's code beyond its text: for the manifest, and for comparing it with its siblings. */
export interface SliceFacts {
  /** Names of `process.env` read statically, sorted. */
  readonly env: readonly string[];
  readonly readsEnvDynamically: boolean;
  /** Its top level changes an npm package or a built-in object. */
  readonly ownWorker: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly shared: SharedFacts;
}

export function sliceFacts(options: {
  readonly slice: Slice;
  readonly program: Program;
  readonly drivers: Drivers;
  readonly root: string;
  readonly step: string;
  readonly cached: boolean;
}): SliceFacts {
  return new FactsReader(options).read();
}

/** The facts of a file that is bundled as it is: of all of it, for nothing of it is left out. */
export function wholeFileFacts(options: {
  readonly module: Module;
  readonly program: Program;
  readonly drivers: Drivers;
  readonly root: string;
  readonly step: string;
  readonly cached: boolean;
}): SliceFacts {
  return sliceFacts({ ...options, slice: wholeSlice(options.module) });
}

/** A module as a slice of which nothing is left out. */
export function wholeSlice(module: Module): Slice {
  return {
    entry: { kind: 'name', module, name: '', functionNode: undefined },
    modules: new Map([
      [
        module,
        {
          module,
          items: new Set(module.items),
          parts: module.items.map((item) => ({ item, node: item.node })),
          classes: new Map(),
          stepFunctions: new Map(),
          exported: new Set(),
          namespace: new Map(),
          evaluated: [],
        },
      ],
    ]),
    diagnostics: [],
    root: undefined,
    changers: [],
    reads: [],
    classState: [],
  };
}

/** Both: what a step's slice and the files beside it do. */
export function mergeFacts(a: SliceFacts, b: SliceFacts): SliceFacts {
  return {
    env: [...new Set([...a.env, ...b.env])].sort(),
    readsEnvDynamically: a.readsEnvDynamically || b.readsEnvDynamically,
    ownWorker: a.ownWorker || b.ownWorker,
    diagnostics: [...a.diagnostics, ...b.diagnostics],
    shared: {
      state: { ...a.shared.state, ...b.shared.state },
      changed: { ...a.shared.changed, ...b.shared.changed },
      impure: { ...a.shared.impure, ...b.shared.impure },
      entry: a.shared.entry,
      functions: { ...a.shared.functions, ...b.shared.functions },
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class FactsReader {
  readonly #options: Parameters<typeof sliceFacts>[0];
  readonly #env = new Set<string>();
  readonly #diagnostics: Diagnostic[] = [];
  readonly #state: Mutable<SharedFacts['state']> = {};
  readonly #changed: Mutable<SharedFacts['changed']> = {};
  readonly #impure: Mutable<SharedFacts['impure']> = {};
  readonly #functions: Mutable<SharedFacts['functions']> = {};
  #readsEnvDynamically = false;
  #ownWorker = false;

  constructor(options: Parameters<typeof sliceFacts>[0]) {
    this.#options = options;
  }

  read(): SliceFacts {
    const { slice } = this.#options;
    for (const module of slice.modules.values()) {
      for (const part of module.parts) this.#part(part);
      for (const item of module.items) this.#item(item);
      const passedOn = passesEnvironmentOn(module.module);
      if (passedOn !== undefined) this.#dynamicEnv(module.module.locate(passedOn));
    }
    for (const change of slice.classState) {
      const id = `${projectPath(this.#options.root, change.module.file)}#${change.id}`;
      const at = change.module.locate(change.offset);
      this.#state[id] = at;
      this.#changed[id] = { at, lazy: false };
    }
    const { entry } = slice;
    return {
      env: [...this.#env].sort(),
      readsEnvDynamically: this.#readsEnvDynamically,
      ownWorker: this.#ownWorker,
      diagnostics: this.#diagnostics,
      shared: {
        state: this.#state,
        changed: this.#changed,
        impure: this.#impure,
        entry: entry.kind === 'name' ? this.#id(entry.module, entry.name) : undefined,
        functions: this.#functions,
      },
    };
  }

  #id(module: Module, name: string): string {
    return `${projectPath(this.#options.root, module.file)}#${name}`;
  }

  #item(item: Item): void {
    const [name] = item.declares;
    if (name === undefined) return;
    const isStateful = isState(item);
    for (const each of item.declares) {
      if (isStateful) this.#state[this.#id(item.module, each)] = item.module.locate(item.start);
    }
    if (item.kind === 'function' || isFunctionValue(item)) {
      this.#functions[this.#id(item.module, name)] = item.module.locate(item.start);
    }
    if (item.kind === 'variable' && !isFunctionValue(item)) {
      const impure = this.#impureIn(item, new Set());
      if (impure !== undefined) {
        this.#impure[this.#id(item.module, name)] = { at: item.module.locate(item.start), text: impure };
      }
    }
  }

  /** A call that differs each time, in an initialiser or in a function that it calls. */
  #impureIn(item: Item, seen: Set<Item>): string | undefined {
    seen.add(item);
    const isCode = item.kind === 'function' || isFunctionValue(item);
    for (const fact of item.facts) if (fact.kind === 'impure' && (isCode || !fact.deferred)) return fact.text;
    for (const reference of item.references) {
      if (reference.use !== 'invoke' || (!isCode && reference.deferred)) continue;
      for (const called of this.#options.program.follow(item.module, reference.name)?.items ?? []) {
        if (seen.has(called) || !(called.kind === 'function' || isFunctionValue(called))) continue;
        const found = this.#impureIn(called, seen);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #part(part: SlicePart): void {
    for (const reference of referencesWithin(part.item, part.node)) this.#reference(part, reference);
    for (const fact of factsWithin(part.item, part.node)) this.#fact(part, fact);
  }

  #reference(part: SlicePart, reference: Reference): void {
    const isChange = reference.use === 'write' || reference.use === 'mutate';
    const { program } = this.#options;
    const { module } = part.item;
    const followed = isChange || !reference.deferred ? program.follow(module, reference.name) : undefined;
    if (followed === undefined) return;
    if (reference.deferred || this.#isEntryPart(part)) {
      if (!isChange) return;
      for (const item of followed.items) {
        if (!isState(item) && !(item.kind === 'variable' && reference.use === 'write')) continue;
        const id = this.#id(
          item.module,
          item.declares.includes(reference.name) ? reference.name : (item.declares[0] ?? ''),
        );
        const known = this.#changed[id];
        if (known === undefined || known.lazy) {
          this.#changed[id] = { at: module.locate(reference.offset), lazy: reference.lazy };
        }
        if (reference.lazy && known === undefined) this.#diagnostics.push(lazyState(module, reference));
      }
      return;
    }
    const isEffect =
      isChange ||
      (part.item.kind === 'statement' && (reference.use === 'call' || reference.use === 'invoke'));
    if (isEffect && followed.target.kind === 'external' && followed.target.resolution.kind === 'npm')
      this.#ownWorker = true;
  }

  /** An inline function is part of the item around it, but runs when the step runs. */
  #isEntryPart(part: SlicePart): boolean {
    const { entry } = this.#options.slice;
    return entry.kind === 'expression' && entry.item === part.item && entry.node === part.node;
  }

  #fact(part: SlicePart, fact: ItemFact): void {
    const { module } = part.item;
    const at = module.locate(fact.offset);
    switch (fact.kind) {
      case 'env':
        if (fact.name !== undefined) this.#env.add(fact.name);
        else this.#dynamicEnv(at);
        return;
      case 'import-meta':
        this.#diagnostics.push(
          filesNotPackaged(`import.meta${fact.member === undefined ? '' : `.${fact.member}`}`, at),
        );
        return;
      case 'dynamic-import':
        if (fact.specifier === undefined) this.#diagnostics.push(unknownImport('import', 'step', at));
        return;
      case 'global':
        this.#global(part, fact, at);
        return;
      case 'require':
        if (!module.commonJs) this.#diagnostics.push(commonJsGlobal('require', at));
        return;
      case 'impure':
      case 'top-level-await':
    }
  }

  #dynamicEnv(at: SourceLocation): void {
    this.#readsEnvDynamically = true;
    const { cached, step } = this.#options;
    this.#diagnostics.push({
      code: cached ? 'dynamic-env-in-cached-step' : 'dynamic-env',
      severity: cached ? 'error' : 'warning',
      message: `step ${step} reads process.env in a way that does not tell which variables`,
      at,
      help: 'read variables by name (process.env.NAME), or declare them: env: ["NAME"] and pass the value on',
    });
  }

  #global(part: SlicePart, fact: Extract<ItemFact, { kind: 'global' }>, at: SourceLocation): void {
    const { module } = part.item;
    switch (fact.name) {
      case '__dirname':
      case '__filename':
        if (fact.use !== 'read' || !isTypeofOperand(module, fact))
          this.#diagnostics.push(commonJsGlobal(fact.name, at));
        return;
      case 'module':
      case 'exports':
        if (module.commonJs) {
          if (fact.deferred && fact.use === 'mutate') {
            const id = this.#id(module, 'exports');
            this.#state[id] = at;
            this.#changed[id] = { at, lazy: false };
          }
          return;
        }
        if (!isTypeofOperand(module, fact)) this.#diagnostics.push(commonJsGlobal(fact.name, at));
        return;
      case 'eval':
        this.#diagnostics.push(evaluatedText(at));
        return;
      default:
        // `globalThis.x = …`, `Array.prototype.x = …`, `Math.random = …` at the top level.
        if (!fact.deferred && !this.#isEntryPart(part) && fact.use === 'mutate') this.#ownWorker = true;
    }
  }
}

export function isTypeofOperand(module: Module, fact: Extract<ItemFact, { kind: 'global' }>): boolean {
  const parent = module.parents.get(fact.node);
  return parent?.type === 'UnaryExpression' && parent.operator === 'typeof';
}

/** What code reads from beside its source is not beside the package. */
export const filesNotPackaged = (through: string, at: SourceLocation): Diagnostic => ({
  code: 'import-meta',
  severity: 'warning',
  message: `files that are read through ${through} are not part of the package`,
  at,
  help: "name them: assets: ['./file']",
});

export const unknownImport = (
  call: 'import' | 'require',
  runner: 'step' | 'script',
  at: SourceLocation,
): Diagnostic => ({
  code: 'dynamic-import',
  severity: 'warning',
  message: `what this ${call}() loads is only known when the ${runner} runs: it is neither packaged nor part of the fingerprint`,
  at,
  help: 'write the path as a literal',
});

export const evaluatedText = (at: SourceLocation): Diagnostic => ({
  code: 'eval',
  severity: 'warning',
  message: 'code that eval() runs is not seen: what it refers to may be missing from the package',
  at,
});

export const commonJsGlobal = (name: string, at: SourceLocation): Diagnostic => ({
  code: 'cjs-global',
  severity: 'error',
  message: `\`${name}\` does not exist in a task package, which is an ES module`,
  at,
  help:
    name === 'require'
      ? 'use import, or createRequire from node:module'
      : name.startsWith('__')
        ? 'use import.meta.dirname or import.meta.url, and name the files as assets'
        : 'use import and export',
});

const lazyState = (module: Module, reference: Reference): Diagnostic => ({
  code: 'lazy-state',
  severity: 'warning',
  message: `\`${reference.name}\` is filled on first use: every step that uses it has one of its own`,
  at: module.locate(reference.offset),
});
