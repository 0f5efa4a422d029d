import type { StepCode } from '@run-pipeline/core/model';
import type { Item, Module } from '../module/module.js';
import type { SyntaxNode } from '../module/syntax.js';
import { classNode, type ClassShape } from '../slice/class-members.js';
import { notFound, type FindContext, type Found } from './found-step.js';

/** Finds a class step: the class by its name in its file, the method there or in a base class. */
export function findMethod(options: {
  readonly context: FindContext;
  readonly key: string;
  readonly code: Extract<StepCode, { kind: 'method' }>;
  /** Files that may hold it, the likeliest first. */
  readonly files: readonly string[];
}): Found {
  const { context, code, key } = options;
  const item = classItem(context, code.className, options.files);
  if (item === undefined) {
    const file = options.files[0];
    return notFound({
      code: 'class-not-found',
      message: `cannot find the class ${code.className} of step ${key}${file === undefined ? '' : ` at the top level of ${file}`}`,
      at: file === undefined ? undefined : { file, line: 1, column: 1 },
      help: 'declare the class at the top level of its module; if its file cannot be told from the call, pass `source: import.meta.url`',
    });
  }
  const chain = classChain(context, item);
  const member = chain
    .flatMap((shape) => shape.byName.get(code.method) ?? [])
    .find((candidate) => !candidate.static);
  if (member === undefined) {
    return notFound({
      code: 'method-not-found',
      message: `the class ${code.className} has no method ${code.method} in its source`,
      at: item.module.locate(item.start),
      help: 'steps are methods written in the class or in a base class of the project',
    });
  }
  const functionNode = (member.node as { readonly value?: SyntaxNode | null }).value ?? undefined;
  return {
    ok: true,
    entry: { kind: 'method', module: item.module, item, method: code.method, chain, functionNode },
    warnings: [],
  };
}

function classItem(context: FindContext, className: string, files: readonly string[]): Item | undefined {
  const modules = files.flatMap((file) => {
    const loaded = context.program.loaded(file);
    return loaded?.kind === 'module' ? [loaded.module] : [];
  });
  // Bundlers rename classes that collide: `_Iris`, `Iris2`.
  const names = [
    className,
    className.replace(/^_+/, ''),
    className.replace(/\d+$/, ''),
    className.replace(/^_+|\d+$/g, ''),
  ];
  for (const candidates of [modules, context.program.modules]) {
    for (const name of names) {
      for (const module of candidates) {
        const found = classIn(module, name);
        if (found !== undefined) return found;
      }
    }
  }
  return modules
    .flatMap((module) => module.items)
    .find((item) => item.anonymous && classNode(item) !== undefined);
}

function classIn(module: Module, name: string): Item | undefined {
  const bound = module.bindings.get(name)?.find((item) => classNode(item) !== undefined);
  return bound ?? module.items.find((item) => classNode(item)?.id?.name === name);
}

/** The class and its base classes, as far as they are the user's. */
export function classChain(context: FindContext, first: Item): ClassShape[] {
  const chain: ClassShape[] = [];
  let item: Item | undefined = first;
  while (item !== undefined) {
    const shape = context.shapes(item);
    if (shape === undefined || chain.includes(shape)) break;
    chain.push(shape);
    const base = shape.node.superClass as SyntaxNode | null | undefined;
    if (base?.type !== 'Identifier') break;
    item = context.program
      .follow(item.module, base.name)
      ?.items.find((each) => classNode(each) !== undefined);
  }
  return chain;
}
