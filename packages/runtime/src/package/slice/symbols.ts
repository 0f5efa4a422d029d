import { isPresent } from '../module/syntax.js';
import type { PackageSymbol } from '@run-pipeline/core/model';
import { contentHash } from '../digest.js';
import { projectPath } from './emit.js';
import type { ModuleSlice, Slice } from './slice.js';

/** The declarations that a slice holds, each with a hash of its canonical text: what `why` compares. */
export function sliceSymbols(slice: Slice, root: string): PackageSymbol[] {
  const symbols: PackageSymbol[] = [];
  for (const module of slice.modules.values()) symbols.push(...moduleSymbols(module, slice, root));
  return symbols;
}

function moduleSymbols(slice: ModuleSlice, whole: Slice, root: string): PackageSymbol[] {
  const { module } = slice;
  const file = projectPath(root, module.file);
  const symbol = (name: string, node: { readonly start: number; readonly end: number }): PackageSymbol => ({
    name,
    file,
    line: module.locate(node.start).line,
    endLine: module.locate(Math.max(node.start, node.end - 1)).line,
    hash: contentHash(Buffer.from(module.text(node))),
  });
  const symbols: PackageSymbol[] = [];
  for (const item of [...slice.items].sort((a, b) => a.index - b.index)) {
    if (item.kind === 'import' || item.kind === 'bare-import') continue;
    const pruned = slice.classes.get(item);
    const name = item.declares.join(', ') || 'top-level statement';
    if (pruned === undefined) {
      symbols.push(
        symbol(name === '__default' ? 'default export' : name, slice.stepFunctions.get(item) ?? item),
      );
      continue;
    }
    const heritage = pruned.heritage ? pruned.shape.node.superClass : undefined;
    if (isPresent(heritage)) symbols.push(symbol(`${name} extends`, heritage));
    for (const member of pruned.shape.members) {
      if (!pruned.kept.has(member)) continue;
      const label = member.name ?? (member.kind === 'static-block' ? 'static' : '[computed]');
      symbols.push(symbol(`${name}.${label}`, member.node));
    }
  }
  const { entry } = whole;
  if (entry.kind === 'expression' && entry.module === module)
    symbols.push(symbol('the step’s function', entry.node));
  return symbols;
}
