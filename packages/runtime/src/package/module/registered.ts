import type { Item } from './module.js';
import type { Program } from './program.js';
import { keyName, walk, type SyntaxNode } from './syntax.js';

/** Declarations that some `addFunctionStep({ function: name })` of the program makes steps. */
export function registeredFunctions(program: Program): Set<Item> {
  const found = new Set<Item>();
  for (const module of program.modules) {
    walk(module.program, (node) => {
      if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return;
      if (node.callee.property.type !== 'Identifier' || node.callee.property.name !== 'addFunctionStep')
        return;
      const [options] = node.arguments;
      if (options?.type !== 'ObjectExpression') return;
      for (const property of options.properties) {
        if (property.type !== 'Property' || keyName(property) !== 'function') continue;
        const value = property.value as SyntaxNode;
        if (value.type !== 'Identifier') continue;
        for (const item of program.follow(module, value.name)?.items ?? []) found.add(item);
      }
    });
  }
  return found;
}
