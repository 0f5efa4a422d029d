import { originalPositionFor } from '@jridgewell/trace-mapping';
import type { SourceLocation } from '@run-pipeline/core/model';
import { plainCallee } from '../module/drivers.js';
import type { Item, Module } from '../module/module.js';
import type { Program } from '../module/program.js';
import { isFunctionNode, keyName, walk, type SyntaxNode, isPresent } from '../module/syntax.js';
import { lineAt } from '../source/transform.js';
import { normalForm, parseFunctionText } from './normal-form.js';

export interface FunctionMatch {
  readonly module: Module;
  readonly item: Item;
  readonly node: SyntaxNode;
  /** The property that a method shorthand stands in. */
  readonly property: SyntaxNode | undefined;
}

/** Finds calls by their place, and functions by their text. */
export class FunctionIndex {
  readonly #program: Program;
  readonly #calls = new Map<Module, Map<number, { readonly column: number; readonly call: SyntaxNode }[]>>();
  #functions: { exact: Map<string, FunctionMatch[]>; loose: Map<string, FunctionMatch[]> } | undefined;

  constructor(program: Program) {
    this.#program = program;
  }

  /**
   * The call whose callee stands at a place in the user's source. V8 reports `a.b()` at `b`, which is
   * where a source map has an entry as well.
   */
  callAt(module: Module, place: SourceLocation): SyntaxNode | undefined {
    const inLine = this.#callsOf(module).get(place.line) ?? [];
    const exact = inLine.find((each) => each.column === place.column);
    if (exact !== undefined) return exact.call;
    // Maps of other compilers are coarser: the nearest registering call of the line, before the place.
    const registering = inLine.filter((each) => isRegistering(each.call));
    return (
      registering.filter((each) => each.column <= place.column).at(-1)?.call ??
      (registering.length === 1 ? registering[0]!.call : undefined)
    );
  }

  #callsOf(module: Module): Map<number, { readonly column: number; readonly call: SyntaxNode }[]> {
    const known = this.#calls.get(module);
    if (known !== undefined) return known;
    const byLine = new Map<number, { readonly column: number; readonly call: SyntaxNode }[]>();
    walk(module.program, (node) => {
      if (node.type !== 'CallExpression') return;
      const callee = plainCallee(node.callee as SyntaxNode);
      const place = originalOf(
        module,
        callee.type === 'MemberExpression' ? callee.property.start : callee.start,
      );
      if (place === undefined) return;
      const calls = byLine.get(place.line) ?? [];
      calls.push({ column: place.column + 1, call: node });
      byLine.set(place.line, calls);
    });
    for (const calls of byLine.values()) calls.sort((a, b) => a.column - b.column);
    this.#calls.set(module, byLine);
    return byLine;
  }

  /** The functions of the user's with the text of a live function; its name breaks ties. */
  like(live: (...args: never[]) => unknown): readonly FunctionMatch[] {
    const parsed = parseFunctionText(Function.prototype.toString.call(live));
    if (parsed === undefined) return [];
    this.#functions ??= this.#index();
    const exact = this.#functions.exact.get(normalForm(parsed, 'exact')) ?? [];
    const matches = exact.length > 0 ? exact : (this.#functions.loose.get(normalForm(parsed, 'loose')) ?? []);
    const named = matches.filter((match) => nameOf(match) === live.name);
    return named.length > 0 ? named : matches;
  }

  #index(): { exact: Map<string, FunctionMatch[]>; loose: Map<string, FunctionMatch[]> } {
    const exact = new Map<string, FunctionMatch[]>();
    const loose = new Map<string, FunctionMatch[]>();
    const add = (map: Map<string, FunctionMatch[]>, key: string, match: FunctionMatch): void => {
      const known = map.get(key);
      if (known === undefined) map.set(key, [match]);
      else known.push(match);
    };
    for (const module of this.#program.modules) {
      walk(module.program, (node, parent) => {
        if (!isFunctionNode(node)) return;
        const item = module.itemAt(node.start);
        if (item === undefined) return;
        const isMethod = parent?.type === 'Property' && (parent.method || parent.kind !== 'init');
        const match: FunctionMatch = { module, item, node, property: isMethod ? parent : undefined };
        add(exact, normalForm(node, 'exact'), match);
        add(loose, normalForm(node, 'loose'), match);
      });
    }
    return { exact, loose };
  }
}

function isRegistering(call: SyntaxNode): boolean {
  if (call.type !== 'CallExpression') return false;
  const callee = plainCallee(call.callee as SyntaxNode);
  const name = callee.type === 'MemberExpression' ? callee.property : callee;
  return name.type === 'Identifier' && (name.name === 'addFunctionStep' || name.name === 'step');
}

function nameOf(match: FunctionMatch): string | undefined {
  const id = (match.node as { readonly id?: { readonly name: string } | null }).id;
  if (isPresent(id)) return id.name;
  const parent = match.property ?? match.module.parents.get(match.node);
  if (parent?.type === 'Property') return keyName(parent);
  return parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier'
    ? parent.id.name
    : undefined;
}

function originalOf(module: Module, offset: number): { line: number; column: number } | undefined {
  const line = lineAt(module.starts, offset);
  const found = originalPositionFor(module.map, {
    line: line + 1,
    column: offset - (module.starts[line] ?? 0),
  });
  return found.line === null ? undefined : { line: found.line, column: found.column };
}
