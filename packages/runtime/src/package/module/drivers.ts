import type { Item, Module, Reference } from './module.js';
import type { Program } from './program.js';
import { isFunctionNode, type Decorator, type SyntaxNode } from './syntax.js';

/** Exports of the framework that define or start pipelines: what they make never goes into a package. */
const DRIVERS = new Set([
  'Pipeline',
  'PipelineController',
  'Parameter',
  'Step',
  'defineConfig',
  'each',
  'parameter',
  'pipeline',
  'run',
  'step',
]);

/** Knows which of the user's declarations define or start pipelines. */
export class Drivers {
  readonly #program: Program;
  readonly #reaches = new Map<Item, boolean>();
  readonly #open = new Set<Item>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** The framework's name behind a decorator, else undefined: it is the user's own. */
  decoratorName(module: Module, decorator: Decorator): string | undefined {
    let expression = decorator.expression as SyntaxNode;
    if (expression.type === 'CallExpression') expression = plainCallee(expression.callee as SyntaxNode);
    const path: string[] = [];
    while (expression.type === 'MemberExpression') {
      if (expression.property.type === 'Identifier') path.unshift(expression.property.name);
      expression = expression.object as SyntaxNode;
    }
    if (expression.type !== 'Identifier') return undefined;
    return this.#program.frameworkName(module, { name: expression.name, member: path[0] });
  }

  isFrameworkDecorator(module: Module, decorator: Decorator): boolean {
    return this.decoratorName(module, decorator) !== undefined;
  }

  isDriver(module: Module, reference: Pick<Reference, 'name' | 'member'>): boolean {
    const name = this.#program.frameworkName(module, reference);
    return name !== undefined && (DRIVERS.has(name) || name === '*');
  }

  /** A variable that holds a pipeline, a step or something made with them. */
  holdsPipeline(item: Item): boolean {
    return (
      (item.kind === 'variable' || item.kind === 'default') && !isFunctionValue(item) && this.reaches(item)
    );
  }

  /** `const train = step(…)`: the call, else undefined. */
  stepCall(item: Item): Extract<SyntaxNode, { type: 'CallExpression' }> | undefined {
    const value = valueOf(item);
    if (value?.type !== 'CallExpression') return undefined;
    const callee = value.callee as SyntaxNode;
    const reference = calleeReference(callee);
    return reference !== undefined && this.#program.frameworkName(item.module, reference) === 'step'
      ? value
      : undefined;
  }

  /** Evaluating the item (or, for a function, calling it) may define or start a pipeline. */
  reaches(item: Item): boolean {
    const known = this.#reaches.get(item);
    if (known !== undefined) return known;
    if (this.#open.has(item)) return false; // a cycle adds nothing of its own
    this.#open.add(item);
    const found = item.references.some((reference) => this.#leadsToDriver(item, reference));
    this.#open.delete(item);
    // Inside a cycle a "no" is only good for the question that was asked first.
    if (found || this.#open.size === 0) this.#reaches.set(item, found);
    return found;
  }

  #leadsToDriver(item: Item, reference: Reference): boolean {
    if (reference.decorator !== undefined) return false;
    // What a value only refers to inside its functions is found when they are reached.
    if (item.kind === 'variable' && !isFunctionValue(item) && reference.deferred) return false;
    if (item.importing !== undefined && item.importing.viaRequire) return false;
    if (this.isDriver(item.module, reference)) return true;
    const followed = this.#program.follow(item.module, reference.name);
    return (followed?.items ?? []).some((target) => {
      if (target === item) return false;
      if (target.kind === 'function' || target.kind === 'class' || isFunctionValue(target))
        return this.reaches(target);
      return this.holdsPipeline(target);
    });
  }
}

/** The function's expression in `step(fn)` and `step(options, fn)`. */
export function stepArgument(call: SyntaxNode): SyntaxNode | undefined {
  return call.type === 'CallExpression'
    ? (call.arguments[call.arguments.length > 1 ? 1 : 0] as SyntaxNode | undefined)
    : undefined;
}

/** The initialiser of a variable, the expression of a default export. */
export function valueOf(item: Item): SyntaxNode | undefined {
  if (item.kind === 'default') return item.node;
  return item.node.type === 'VariableDeclarator'
    ? ((item.node.init ?? undefined) as SyntaxNode | undefined)
    : undefined;
}

export function isFunctionValue(item: Item): boolean {
  const value = valueOf(item);
  return value !== undefined && (isFunctionNode(value) || value.type === 'ClassExpression');
}

/** Compilers write `(0, module.f)()` for a call without a `this`. */
export const plainCallee = (callee: SyntaxNode): SyntaxNode =>
  callee.type === 'SequenceExpression' ? (callee.expressions.at(-1) as SyntaxNode) : callee;

/** `f` and `ns.f` as a reference to look up. */
export function calleeReference(
  written: SyntaxNode,
): { name: string; member: string | undefined } | undefined {
  const callee = plainCallee(written);
  if (callee.type === 'Identifier') return { name: callee.name, member: undefined };
  if (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'Identifier' &&
    !callee.computed &&
    callee.property.type === 'Identifier'
  ) {
    return { name: callee.object.name, member: callee.property.name };
  }
  return undefined;
}
