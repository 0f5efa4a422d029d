import type { Node, Program } from 'acorn';
import { analyze, type Reference as ScopeReference, type Scope } from 'eslint-scope';
import type { TransformedSource } from '../source/transform.js';
import type { CompilerOptions } from '../source/tsconfig.js';
import { environmentReads, isProcessModule, type EnvironmentHolder } from './environment-reads.js';
import { impureCall } from './impure.js';
import { itemsOf } from './items.js';
import { Module, itemAt, type Item, type Use } from './module.js';
import { parseModule } from './parser.js';
import {
  isFunctionNode,
  literalString,
  memberName,
  walk,
  type Decorator,
  type SyntaxNode,
  isPresent,
} from './syntax.js';

/** Takes a transformed module apart. Throws acorn's SyntaxError for what does not parse. */
export function analyseModule(options: {
  readonly file: string;
  readonly source: TransformedSource;
  readonly compilerOptions: CompilerOptions;
}): Module {
  const { code } = options.source;
  const program = parseModule(code);
  const found = itemsOf(program, options.file);
  const parents = new Map<Node, SyntaxNode>();
  walk(program, (node, parent) => {
    if (parent !== undefined) parents.set(node, parent);
  });
  const bindings = bindingsOf(program, found.items, parents);
  return new Module({ ...options, program, parents, bindings, ...found });
}

function bindingsOf(
  program: Program,
  items: readonly Item[],
  parents: ReadonlyMap<Node, SyntaxNode>,
): Map<string, Item[]> {
  const scopes = analyze(program as never, { ecmaVersion: 2022, sourceType: 'module' });
  const moduleScope = scopes.scopes.find((scope) => scope.type === 'module');
  if (moduleScope === undefined) throw new Error('a module without a module scope');
  const bindings = new Map<string, Item[]>();
  const bind = (name: string, item: Item): void => {
    const known = bindings.get(name);
    if (known === undefined) bindings.set(name, [item]);
    else if (!known.includes(item)) known.push(item);
  };
  for (const item of items) for (const name of item.declares) bind(name, item);
  // `var` inside a top-level block or loop.
  for (const variable of moduleScope.variables) {
    for (const definition of variable.defs) {
      const item = itemAt(items, (definition.name as unknown as Node).start);
      if (item?.kind !== 'statement') continue;
      bind(variable.name, item);
      if (!item.declares.includes(variable.name)) (item.declares as string[]).push(variable.name);
    }
  }
  const recorder = new Recorder({ items, parents, bindings });
  for (const scope of scopes.scopes) recorder.scope(scope, moduleScope);
  recorder.walk(program);
  for (const item of items) {
    item.references.sort((a, b) => a.offset - b.offset);
    item.facts.sort((a, b) => a.offset - b.offset);
  }
  return bindings;
}

/** Methods that change the object they are called on. */
const MUTATORS = new Set(
  'push pop shift unshift splice sort reverse fill copyWithin set add delete clear append emit on once off register use assign defineProperty defineProperties setPrototypeOf extend config listen start init'.split(
    ' ',
  ),
);

class Recorder {
  readonly #items: readonly Item[];
  readonly #parents: ReadonlyMap<Node, SyntaxNode>;
  readonly #bindings: ReadonlyMap<string, readonly Item[]>;

  constructor(options: {
    readonly items: readonly Item[];
    readonly parents: ReadonlyMap<Node, SyntaxNode>;
    readonly bindings: ReadonlyMap<string, readonly Item[]>;
  }) {
    this.#items = options.items;
    this.#parents = options.parents;
    this.#bindings = options.bindings;
  }

  scope(scope: Scope, moduleScope: Scope): void {
    for (const reference of scope.references) this.reference(reference, moduleScope);
  }

  private reference(reference: ScopeReference, moduleScope: Scope): void {
    const node = reference.identifier as unknown as SyntaxNode & { name: string };
    const item = itemAt(this.#items, node.start);
    if (item === undefined) return;
    const variable = reference.resolved;
    const deferred = this.isDeferred(node, item);
    const use = reference.isWrite() && reference.init !== true ? 'write' : this.use(node);
    if (variable === null || variable.scope.type === 'global') {
      const holder = globalHolder(node.name);
      if (holder !== undefined && reference.isRead()) this.environment(holder, node);
      item.facts.push({ kind: 'global', name: node.name, offset: node.start, deferred, use, node });
      return;
    }
    if (variable.scope !== moduleScope) return;
    const imported = this.importedHolder(variable.name);
    if (imported !== undefined) this.environment(imported, node);
    if (reference.init === true && reference.isWrite() && item.declares.includes(variable.name)) return;
    item.references.push({
      name: variable.name,
      offset: node.start,
      use,
      deferred,
      lazy: this.isLazy(node),
      decorator: undefined,
      member: this.member(node),
      resultUsed: this.isResultUsed(node),
    });
  }

  walk(program: Program): void {
    walk(program, (node, parent) => {
      switch (node.type) {
        case 'Decorator':
          this.decorator(node);
          break;
        case 'ImportExpression':
          // Not awaited at once, it is passed on as a promise.
          if (isProcessModule(literalString(node.source))) {
            if (parent?.type === 'AwaitExpression') this.environment('process', parent);
            else
              this.fact(node, (item) =>
                item.facts.push({ kind: 'env', offset: node.start, name: undefined }),
              );
          }
          this.fact(node, (item) =>
            item.facts.push({
              kind: 'dynamic-import',
              offset: node.start,
              node,
              specifier: literalString(node.source),
            }),
          );
          break;
        case 'CallExpression':
        case 'NewExpression':
          this.call(node);
          break;
        case 'MetaProperty':
          if (node.meta.name !== 'import') break;
          this.fact(node, (item) =>
            item.facts.push({
              kind: 'import-meta',
              offset: node.start,
              node: parent !== undefined && memberName(parent) !== undefined ? parent : node,
              member: parent === undefined ? undefined : memberName(parent),
            }),
          );
          break;
      }
    });
  }

  private call(node: SyntaxNode): void {
    const impure = impureCall(node, (name) => this.#bindings.get(name)?.[0]?.importing?.specifier);
    if (impure !== undefined) {
      this.fact(node, (item) =>
        item.facts.push({
          kind: 'impure',
          offset: node.start,
          text: impure,
          deferred: this.isDeferred(node, item),
        }),
      );
    }
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier' || node.callee.name !== 'require')
      return;
    if (isProcessModule(literalString(node.arguments[0]))) this.environment('process', node);
    this.fact(node, (item) =>
      item.facts.push({
        kind: 'require',
        offset: node.start,
        node,
        specifier: literalString(node.arguments[0]),
      }),
    );
  }

  /** Reads of the environment by way of the expression `node`. */
  private environment(holder: EnvironmentHolder, node: SyntaxNode): void {
    for (const read of environmentReads(holder, node, (at) => this.#parents.get(at)))
      this.fact(node, (item) => item.facts.push({ kind: 'env', ...read }));
  }

  /** Of a name of this module, by what it was imported as. */
  private importedHolder(name: string): EnvironmentHolder | undefined {
    const importing = this.#bindings.get(name)?.[0]?.importing;
    if (!isProcessModule(importing?.specifier)) return undefined;
    const { imported } = importing!;
    return imported === 'env' ? 'env' : imported === 'default' || imported === '*' ? 'process' : undefined;
  }

  /** eslint-scope does not look into decorators. Local names there are rare enough to be ignored. */
  private decorator(decorator: Decorator): void {
    this.fact(decorator, (item) => {
      walk(decorator.expression, (node, parent) => {
        if (node.type !== 'Identifier') return;
        const isBound = this.#bindings.has(node.name);
        if (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) return;
        if (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand)
          return;
        const holder = isBound ? this.importedHolder(node.name) : globalHolder(node.name);
        if (holder !== undefined) this.environment(holder, node);
        if (!isBound) return;
        item.references.push({
          name: node.name,
          offset: node.start,
          use: 'read',
          deferred: false,
          lazy: false,
          decorator,
          member: parent === undefined || parent.type !== 'MemberExpression' ? undefined : memberName(parent),
          resultUsed: false,
        });
      });
    });
  }

  private fact(node: Node, add: (item: Item) => void): void {
    const item = itemAt(this.#items, node.start);
    if (item !== undefined) add(item);
  }

  private isDeferred(node: Node, item: Item): boolean {
    for (
      let at: SyntaxNode | undefined = this.#parents.get(node);
      at !== undefined;
      at = this.#parents.get(at)
    ) {
      if (at === item.node) return isFunctionNode(at);
      if (isFunctionNode(at) && !this.isImmediatelyCalled(at)) return true;
      // An instance field is evaluated when an instance is made.
      if (
        at.type === 'PropertyDefinition' &&
        !at.static &&
        isPresent(at.value) &&
        node.start >= at.value.start
      )
        return true;
    }
    return false;
  }

  private isImmediatelyCalled(node: SyntaxNode): boolean {
    const parent = this.#parents.get(node);
    return parent?.type === 'CallExpression' && parent.callee === node;
  }

  private isLazy(node: SyntaxNode): boolean {
    let at = node;
    let parent = this.#parents.get(at);
    while (parent?.type === 'MemberExpression' && parent.object === at) {
      at = parent;
      parent = this.#parents.get(at);
    }
    return (
      parent?.type === 'AssignmentExpression' &&
      parent.left === at &&
      /^(?:\?\?|\|\|)=$/.test(parent.operator)
    );
  }

  /** Whether the result of calling it is assigned to, or has a method called. */
  private isResultUsed(node: SyntaxNode): boolean {
    let at = node;
    let isCalled = false;
    for (;;) {
      const parent = this.#parents.get(at);
      if (parent === undefined) return false;
      if (parent.type === 'CallExpression' && parent.callee === at) {
        if (isCalled && at.type === 'MemberExpression') return true;
        isCalled = true;
      } else if (parent.type === 'AssignmentExpression' || parent.type === 'UpdateExpression') {
        return isCalled && at.type === 'MemberExpression';
      } else if (
        !(parent.type === 'MemberExpression' && parent.object === at) &&
        parent.type !== 'ChainExpression' &&
        parent.type !== 'AwaitExpression' &&
        !(parent.type === 'UnaryExpression' && parent.operator === 'delete')
      ) {
        return false;
      }
      at = parent;
    }
  }

  private member(node: SyntaxNode): string | undefined {
    const parent = this.#parents.get(node);
    return parent?.type === 'MemberExpression' && parent.object === node ? memberName(parent) : undefined;
  }

  private use(node: SyntaxNode): Use {
    const parent = this.#parents.get(node);
    if (parent === undefined) return 'read';
    let at: SyntaxNode = node;
    let above: SyntaxNode | undefined = parent;
    let depth = 0;
    while (
      above !== undefined &&
      ((above.type === 'MemberExpression' && above.object === at) || above.type === 'ChainExpression')
    ) {
      if (above.type === 'MemberExpression') depth += 1;
      at = above;
      above = this.#parents.get(at);
    }
    if (above === undefined) return 'read';
    if (depth === 0) {
      if (above.type === 'UpdateExpression') return 'write';
      if (above.type === 'CallExpression' || above.type === 'NewExpression') {
        return above.callee === at ? 'invoke' : this.argumentOf(above.callee as SyntaxNode);
      }
      if (above.type === 'TaggedTemplateExpression') return 'invoke';
      return above.type === 'SpreadElement' ? 'argument' : 'read';
    }
    if (above.type === 'AssignmentExpression' && above.left === at) return 'mutate';
    if (above.type === 'UpdateExpression') return 'mutate';
    if (above.type === 'UnaryExpression' && above.operator === 'delete') return 'mutate';
    if (this.isPatternTarget(at, above)) return 'mutate';
    if (above.type === 'CallExpression' && above.callee === at) {
      const method = memberName(at);
      return method !== undefined && MUTATORS.has(method) ? 'mutate' : 'call';
    }
    if (above.type !== 'CallExpression' && above.type !== 'NewExpression') return 'read';
    return above.callee === at ? 'read' : this.argumentOf(above.callee as SyntaxNode);
  }

  /** `({ a: x.y } = …)`, `[x.y] = …`, `for (x.y of …)`. */
  private isPatternTarget(at: SyntaxNode, above: SyntaxNode): boolean {
    switch (above.type) {
      case 'ArrayPattern':
      case 'RestElement':
        return true;
      case 'AssignmentPattern':
        return above.left === at;
      case 'Property':
        return above.value === at && this.#parents.get(above)?.type === 'ObjectPattern';
      case 'ForOfStatement':
      case 'ForInStatement':
        return above.left === at;
      default:
        return false;
    }
  }

  private argumentOf(callee: SyntaxNode): Use {
    let root = callee;
    while (root.type === 'MemberExpression') root = root.object as SyntaxNode;
    const [item] = root.type === 'Identifier' ? (this.#bindings.get(root.name) ?? []) : [];
    return item === undefined || item.importing !== undefined ? 'argument' : 'argument-local';
  }
}

const globalHolder = (name: string): EnvironmentHolder | undefined =>
  name === 'process' ? 'process' : name === 'globalThis' || name === 'global' ? 'global' : undefined;
