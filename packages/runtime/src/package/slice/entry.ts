import type { SourceLocation } from '@run-pipeline/core/model';
import type { Module } from '../module/module.js';
import type { Slice, SliceEntry } from './slice.js';

/** Where the step's function begins in the user's source. */
export function entryPlace(entry: SliceEntry): SourceLocation {
  const { node, module } = entryNode(entry);
  return module.locate(node?.start ?? 0);
}

/** The last line of the step's function. */
export function entryEndLine(entry: SliceEntry): number {
  const { node, module } = entryNode(entry);
  return node === undefined ? 1 : module.locate(Math.max(node.start, node.end - 1)).line;
}

/** The module in which the step's function is written. */
export const entryModule = (entry: SliceEntry): Module => entryNode(entry).module;

function entryNode(entry: SliceEntry): {
  readonly module: Module;
  readonly node: { readonly start: number; readonly end: number } | undefined;
} {
  if (entry.kind === 'method') {
    // The method may stand in a base class, of another file.
    const shape = entry.chain.find((each) => each.byName.has(entry.method));
    const member = shape?.byName.get(entry.method)?.[0];
    return { module: shape?.item.module ?? entry.module, node: member?.node ?? entry.item };
  }
  const { module } = entry;
  if (entry.kind === 'expression') return { module, node: entry.functionNode ?? entry.node };
  return { module, node: entry.functionNode ?? module.bindings.get(entry.name)?.[0] };
}

/** What a step is called in its package's id. */
export function entryName(entry: SliceEntry, key: string): string {
  if (entry.kind === 'method') return `${entry.item.declares[0]}.${entry.method}`;
  return entry.kind === 'name' && entry.name !== '__default' ? entry.name : key;
}

/** `@Parameter` fields that are kept. */
export function keptParameters(slice: Slice): string[] {
  const names = [...slice.modules.values()].flatMap((module) =>
    [...module.classes.values()].flatMap((kept) =>
      [...kept.kept].flatMap((member) => (member.parameter ? (member.name ?? []) : [])),
    ),
  );
  return [...new Set(names)].sort();
}
