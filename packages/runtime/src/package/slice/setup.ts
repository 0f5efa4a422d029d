import { isFunctionValue, valueOf, type Drivers } from '../module/drivers.js';
import type { Item, Module } from '../module/module.js';
import type { Program } from '../module/program.js';
import { isFunctionNode, walk, type SyntaxNode } from '../module/syntax.js';

/**
 * Top-level code that does something when its module is evaluated: `dotenv.config()`,
 * `registry.set(…)`. It belongs to a slice when it touches what the step reaches or only imports;
 * never when it starts pipelines or calls a step.
 */
export interface Effect {
  readonly item: Item;
  /** State of the user's that it changes, also through the functions that it calls and through aliases. */
  readonly changes: ReadonlySet<Item>;
  /** What it changes as written, not through functions. */
  readonly changesDirectly: ReadonlySet<Item>;
  /** State that it hands to code that is not the user's. */
  readonly handsOver: ReadonlySet<Item>;
  /** It defines or starts a pipeline. */
  readonly drives: boolean;
  /** It belongs to every slice that reaches the module. */
  readonly always: boolean;
}

type Reached = Pick<Effect, 'changes' | 'changesDirectly' | 'handsOver'> & { readonly callsStep: boolean };

export class Setup {
  readonly #program: Program;
  readonly #drivers: Drivers;
  readonly #byModule = new Map<Module, readonly Effect[]>();
  readonly #isStep: (item: Item) => boolean;
  #byItem: Map<Item, Effect[]> | undefined;

  constructor(options: {
    readonly program: Program;
    readonly drivers: Drivers;
    readonly isStep: (item: Item) => boolean;
  }) {
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#isStep = options.isStep;
  }

  of(module: Module): readonly Effect[] {
    let effects = this.#byModule.get(module);
    if (effects === undefined) {
      effects = module.items.flatMap((item) => this.#effect(item) ?? []);
      this.#byModule.set(module, effects);
    }
    return effects;
  }

  /** Effects, in any module of the program, on an item. */
  on(item: Item): readonly Effect[] {
    this.#byItem ??= this.#index();
    return this.#byItem.get(item) ?? [];
  }

  #index(): Map<Item, Effect[]> {
    const index = new Map<Item, Effect[]>();
    for (const module of this.#program.modules) {
      for (const effect of this.of(module)) {
        for (const item of new Set([...effect.changes, ...effect.handsOver])) {
          const known = index.get(item);
          if (known === undefined) index.set(item, [effect]);
          else known.push(effect);
        }
      }
    }
    return index;
  }

  #effect(item: Item): Effect | undefined {
    const isStatement = item.kind === 'statement';
    if (!isStatement && !hasEffectfulValue(item)) return undefined;
    if (item.importing !== undefined || isConsoleCall(item.node)) return undefined;
    const drives = isStatement ? this.#drivers.reaches(item) : this.#drivers.holdsPipeline(item);
    const reached = drives ? this.#calledBy(item) : this.#reach(item);
    return {
      item,
      ...reached,
      drives,
      always:
        (isStatement || configures(item)) && !drives && !reached.callsStep && reached.changes.size === 0,
    };
  }

  #reach(
    item: Item,
  ): Pick<Effect, 'changes' | 'changesDirectly' | 'handsOver'> & { readonly callsStep: boolean } {
    const changes = new Set<Item>();
    const changesDirectly = new Set<Item>();
    const handsOver = new Set<Item>();
    let callsStep = false;
    const seen = new Set([item]);
    const queue = [item];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (const reference of at.references) {
        if (reference.decorator !== undefined) continue;
        const isWrite = reference.use === 'write' || reference.use === 'mutate';
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          if (target === item) continue;
          if (this.#isStep(target)) callsStep = true;
          const isCode = target.kind === 'function' || target.kind === 'class' || isFunctionValue(target);
          if (isWrite && (!isCode || at === item)) {
            changes.add(target);
            if (at === item) changesDirectly.add(target);
          } else if (!isCode && isState(target)) {
            if (reference.use === 'call' || reference.use === 'argument-local') changes.add(target);
            else if (reference.use === 'argument') handsOver.add(target);
          }
          if (isCode && !isWrite && !seen.has(target)) {
            seen.add(target);
            queue.push(target);
          }
        }
      }
    }
    return { changes: this.#withAliased(changes), changesDirectly, handsOver, callsStep };
  }

  /**
   * Of a statement that drives pipelines, which never enters a slice: only what it surely changes
   * while it runs. The steps' functions and callbacks that it hands to the pipeline run elsewhere.
   */
  #calledBy(item: Item): Reached {
    const changes = new Set<Item>();
    const changesDirectly = new Set<Item>();
    const seen = new Set([item]);
    for (const at of seen) {
      for (const reference of at.references) {
        if (reference.decorator !== undefined || (at === item && reference.deferred)) continue;
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          const isCode = target.kind === 'function' || isFunctionValue(target);
          if ((reference.use === 'write' || reference.use === 'mutate') && target !== item) {
            changes.add(target);
            if (at === item) changesDirectly.add(target);
          } else if (isCode && reference.use === 'invoke') seen.add(target);
        }
      }
    }
    return { changes, changesDirectly, handsOver: new Set(), callsStep: false };
  }

  /** `const alias = registry; alias.set(…)` changes `registry` too. */
  #withAliased(items: ReadonlySet<Item>): Set<Item> {
    const all = new Set(items);
    for (const item of all) {
      if (item.kind !== 'variable' || isFunctionValue(item)) continue;
      for (const reference of item.references) {
        if (reference.deferred) continue;
        for (const target of this.#program.follow(item.module, reference.name)?.items ?? []) {
          if (isState(target) && !this.#drivers.holdsPipeline(target)) all.add(target);
        }
      }
    }
    return all;
  }
}

/** A variable that may hold something that can change: not a function, not a plain constant. */
export function isState(item: Item): boolean {
  if (item.kind === 'statement') return item.declares.length > 0;
  if (item.kind !== 'variable' || item.importing !== undefined || isFunctionValue(item)) return false;
  const value = valueOf(item);
  return item.variableKind !== 'const' || value === undefined || !isPlainValue(value);
}

export function isPlainValue(node: SyntaxNode): boolean {
  switch (node.type) {
    case 'Literal':
      return true;
    case 'TemplateLiteral':
      return node.expressions.every((expression) => isPlainValue(expression as SyntaxNode));
    case 'UnaryExpression':
      return isPlainValue(node.argument as SyntaxNode);
    case 'BinaryExpression':
      return isPlainValue(node.left as SyntaxNode) && isPlainValue(node.right as SyntaxNode);
    default:
      return false;
  }
}

const CONFIGURING = /^(?:config|configure|init|initialize|install|register|setup)$/i;

/** `const result = dotenv.config()`: done for what it does to an import, whoever reads the result. */
function configures(item: Item): boolean {
  return item.references.some((reference) => {
    if (reference.deferred || item.module.bindings.get(reference.name)?.[0]?.importing === undefined)
      return false;
    return reference.use === 'mutate' || (reference.use === 'invoke' && CONFIGURING.test(reference.name));
  });
}

function hasEffectfulValue(item: Item): boolean {
  const value = valueOf(item);
  if (value === undefined) return false;
  let found = false;
  walk(value, (node) => {
    if (isFunctionNode(node)) return false;
    if (/^(?:Call|New|Assignment|Update|Await)Expression$/.test(node.type)) found = true;
    return !found;
  });
  return found;
}

function isConsoleCall(node: SyntaxNode): boolean {
  if (node.type !== 'ExpressionStatement' || node.expression.type !== 'CallExpression') return false;
  const { callee } = node.expression;
  return (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'Identifier' &&
    callee.object.name === 'console'
  );
}
