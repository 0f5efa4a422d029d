import { isFunctionValue, valueOf, type Drivers } from '../module/drivers.js';
import type { Item, Module, Reference } from '../module/module.js';
import type { Program } from '../module/program.js';
import { isFunctionNode, isPresent, walk, type SyntaxNode } from '../module/syntax.js';
import { classNode } from './class-members.js';

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
    const evaluated = evaluatedClass(item);
    if (evaluated !== undefined) return this.#classEffect(item, evaluated);
    if (!isStatement && !hasEffectfulValue(item)) return undefined;
    if (item.importing !== undefined || isConsoleCall(item.node)) return undefined;
    const drives = isStatement ? this.#drivers.reaches(item) : this.#drivers.holdsPipeline(item);
    const reached = drives ? this.#calledBy(item) : this.#reach(item, item.references);
    return {
      item,
      ...reached,
      drives,
      always:
        (isStatement || configures(item)) && !drives && !reached.callsStep && reached.changes.size === 0,
    };
  }

  /** A class that registers itself: by a decorator of the user's, a static block, a static field. */
  #classEffect(item: Item, parts: readonly SyntaxNode[]): Effect | undefined {
    if (this.#isStep(item)) return undefined;
    const isEvaluated = (reference: Reference): boolean =>
      reference.decorator === undefined
        ? !reference.deferred && parts.some((part) => isWithin(reference.offset, part))
        : !this.#drivers.isFrameworkDecorator(item.module, reference.decorator);
    const references = item.references.filter(isEvaluated);
    const isDecorated = references.some((reference) => reference.decorator !== undefined);
    if (!isDecorated && !parts.some(isEffectful)) return undefined;
    const reached = this.#reach(item, references);
    const isSetup = isDecorated || parts.some((part) => part.type === 'StaticBlock');
    return {
      item,
      ...reached,
      drives: false,
      always: isSetup && !reached.callsStep && reached.changes.size === 0,
    };
  }

  /** What evaluating an item may change: by its own references, and in the code that they lead to. */
  #reach(item: Item, references: readonly Reference[]): Reached {
    const changes = new Set<Item>();
    const changesDirectly = new Set<Item>();
    const handsOver = new Set<Item>();
    let callsStep = false;
    const seen = new Set([item]);
    const queue: { readonly at: Item; readonly references: readonly Reference[] }[] = [
      { at: item, references },
    ];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { at } = next;
      const throughLocals = changesLocals(at);
      for (const reference of next.references) {
        const isDecorator = reference.decorator !== undefined;
        if (isDecorator && this.#drivers.isFrameworkDecorator(at.module, reference.decorator)) continue;
        const use = isDecorator ? 'invoke' : reference.use;
        const isWrite = use === 'write' || use === 'mutate';
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          if (target === item) continue;
          if (this.#isStep(target)) callsStep = true;
          const isCode = isCodeItem(target);
          if (isWrite && (!isCode || at === item)) {
            changes.add(target);
            if (at === item) changesDirectly.add(target);
          } else if (!isCode && isState(target)) {
            if (use !== 'read' && use !== 'argument') changes.add(target);
            else if (use === 'argument' || throughLocals) handsOver.add(target);
          }
          if (isCode && use === 'invoke' && reference.resultUsed)
            for (const state of this.#stateIn(target)) changes.add(state);
          // Using an object may run whatever code it was made of.
          const isRun = isCode ? !isWrite : use !== 'read' && !this.#drivers.holdsPipeline(target);
          if (isRun && !seen.has(target)) {
            seen.add(target);
            queue.push({ at: target, references: target.references });
          }
        }
      }
    }
    return { changes: this.#withAliased(changes), changesDirectly, handsOver, callsStep };
  }

  /** State that code refers to, also through the code that it refers to: what it returns may be that. */
  #stateIn(code: Item): Set<Item> {
    const state = new Set<Item>();
    const seen = new Set([code]);
    for (const at of seen) {
      for (const reference of at.references) {
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          if (isCodeItem(target)) seen.add(target);
          else if (isState(target) && !this.#drivers.holdsPipeline(target)) state.add(target);
        }
      }
    }
    return state;
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

  /**
   * `const alias = registry; alias.set(…)` changes `registry` too, `const proto = Thing.prototype` the
   * class, and `const registry = getRegistry()` may be any state of the function's.
   */
  #withAliased(items: ReadonlySet<Item>): Set<Item> {
    const all = new Set(items);
    for (const item of all) {
      if (item.kind !== 'variable' || isFunctionValue(item)) continue;
      for (const reference of item.references) {
        if (reference.deferred) continue;
        for (const target of this.#program.follow(item.module, reference.name)?.items ?? []) {
          if (this.#drivers.holdsPipeline(target)) continue;
          if (isState(target)) all.add(target);
          else if (isCodeItem(target)) {
            if (reference.use === 'invoke') for (const state of this.#stateIn(target)) all.add(state);
            else if (!this.#isStep(target)) all.add(target);
          }
        }
      }
    }
    return all;
  }
}

const isCodeItem = (item: Item): boolean =>
  item.kind === 'function' || item.kind === 'class' || isFunctionValue(item);

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
  return value !== undefined && isEffectful(value);
}

/** Evaluating it may do something: it calls, assigns or deletes, outside of functions. */
function isEffectful(value: SyntaxNode): boolean {
  let found = false;
  walk(value, (node) => {
    if (isFunctionNode(node)) return false;
    if (/^(?:(?:Call|New|Assignment|Update|Await|TaggedTemplate)Expression|StaticBlock)$/.test(node.type))
      found = true;
    if (node.type === 'UnaryExpression' && node.operator === 'delete') found = true;
    return !found;
  });
  return found;
}

/** What of a class is evaluated with its module; undefined when the item is no class. */
function evaluatedClass(item: Item): readonly SyntaxNode[] | undefined {
  const node = classNode(item);
  if (node === undefined) return undefined;
  const parts: (object | null | undefined)[] = [node.superClass];
  for (const member of node.body.body) {
    if (member.type === 'StaticBlock') parts.push(member);
    else {
      if (member.computed) parts.push(member.key);
      if (member.type !== 'MethodDefinition' && member.static) parts.push(member.value);
    }
  }
  return parts.filter((part) => isPresent(part)) as SyntaxNode[];
}

const isWithin = (offset: number, node: SyntaxNode): boolean => node.start <= offset && offset < node.end;

/** It changes what a variable of its own holds: that may be any state that it refers to. */
function changesLocals(item: Item): boolean {
  const known = new Set(item.references.map((reference) => reference.offset));
  for (const fact of item.facts) if (fact.kind === 'global') known.add(fact.offset);
  const isLocal = (target: SyntaxNode): boolean => {
    let root = target;
    while (root.type === 'MemberExpression') root = root.object as SyntaxNode;
    return root !== target && root.type === 'Identifier' && !known.has(root.start);
  };
  let found = false;
  walk(item.node, (node) => {
    if (node.type === 'AssignmentExpression') found ||= isLocal(node.left as SyntaxNode);
    else if (node.type === 'UpdateExpression') found ||= isLocal(node.argument as SyntaxNode);
    else if (node.type === 'CallExpression') found ||= isLocal(node.callee as SyntaxNode);
    else if (node.type === 'UnaryExpression' && node.operator === 'delete')
      found ||= isLocal(node.argument as SyntaxNode);
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
