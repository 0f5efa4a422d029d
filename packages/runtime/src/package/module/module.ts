import { traceSegment } from '@jridgewell/trace-mapping';
import type { Node, Program } from 'acorn';
import type { SourceLocation } from '@run-pipeline/core/model';
import { lineAt, lineStarts, originalPlace, type TransformedSource } from '../source/transform.js';
import type { CompilerOptions } from '../source/tsconfig.js';
import type { Decorator, SyntaxNode } from './syntax.js';

/**
 * One of the user's modules, taken apart: its top-level declarations (one item for each declarator and
 * each import specifier), what each of them refers to, and what the module offers to others.
 */
export class Module {
  /** Absolute. */
  readonly file: string;
  /** As `analyse` prints it: types, comments and whitespace gone. All offsets are into it. */
  readonly code: string;
  readonly program: Program;
  readonly compilerOptions: CompilerOptions;
  readonly items: readonly Item[];
  /** By declared name; several for repeated `var`s. */
  readonly bindings: ReadonlyMap<string, readonly Item[]>;
  readonly exports: ReadonlyMap<string, ModuleExport>;
  /** `export * from`. */
  readonly starExports: readonly string[];
  /** Specifiers of `export … from`, in order: their modules are evaluated with this one. */
  readonly reexported: readonly string[];
  readonly parents: ReadonlyMap<Node, SyntaxNode>;
  /** CommonJS: `require` and `module` are its own. */
  readonly commonJs: boolean;
  readonly #source: TransformedSource;
  readonly #starts: readonly number[];

  constructor(parts: {
    readonly file: string;
    readonly source: TransformedSource;
    readonly program: Program;
    readonly compilerOptions: CompilerOptions;
    readonly items: readonly Item[];
    readonly bindings: ReadonlyMap<string, readonly Item[]>;
    readonly exports: ReadonlyMap<string, ModuleExport>;
    readonly starExports: readonly string[];
    readonly reexported: readonly string[];
    readonly parents: ReadonlyMap<Node, SyntaxNode>;
    readonly commonJs: boolean;
  }) {
    this.file = parts.file;
    this.code = parts.source.code;
    this.program = parts.program;
    this.compilerOptions = parts.compilerOptions;
    this.items = parts.items;
    this.bindings = parts.bindings;
    this.exports = parts.exports;
    this.starExports = parts.starExports;
    this.reexported = parts.reexported;
    this.parents = parts.parents;
    this.commonJs = parts.commonJs;
    this.#source = parts.source;
    for (const item of parts.items) item.module = this;
    this.#starts = lineStarts(parts.source.code);
  }

  get map(): TransformedSource['map'] {
    return this.#source.map;
  }

  get starts(): readonly number[] {
    return this.#starts;
  }

  /** The place in the user's source of an offset. */
  locate(offset: number): SourceLocation {
    return originalPlace({ file: this.file, map: this.#source.map, starts: this.#starts, offset });
  }

  /** An identifier as the user wrote it: esbuild renames what shadows a name of the module. */
  writtenName(identifier: { readonly start: number; readonly name: string }): string {
    const line = lineAt(this.#starts, identifier.start);
    const column = identifier.start - (this.#starts[line] ?? 0);
    const at = traceSegment(this.#source.map, line, column);
    const name = at?.length === 5 && at[0] === column ? this.#source.map.names[at[4]] : undefined;
    return name ?? identifier.name;
  }

  text(node: { readonly start: number; readonly end: number }): string {
    return this.code.slice(node.start, node.end);
  }

  /** The item that holds an offset. */
  itemAt(offset: number): Item | undefined {
    return itemAt(this.items, offset);
  }
}

/** Items are in source order and do not overlap. */
export function itemAt(items: readonly Item[], offset: number): Item | undefined {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const item = items[middle]!;
    if (offset < item.start) high = middle - 1;
    else if (offset >= item.end) low = middle + 1;
    else return item;
  }
  return undefined;
}

export type ItemKind =
  | 'import'
  /** `import './setup'`. */
  | 'bare-import'
  | 'variable'
  | 'function'
  | 'class'
  /** `export default <expression>`. */
  | 'default'
  | 'statement'
  /** CommonJS: `exports.x = …`. */
  | 'commonjs-export';

export interface Item {
  /** Set once, by its module. */
  module: Module;
  readonly kind: ItemKind;
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** The declarator, specifier, function, class, expression or statement. */
  readonly node: SyntaxNode;
  /** The name within this module under which an anonymous default export is emitted, else undefined. */
  readonly anonymous: boolean;
  readonly declares: readonly string[];
  readonly variableKind: 'const' | 'let' | 'var' | undefined;
  /** Of imports, and of `const { x } = require('y')`. */
  readonly importing: ImportedName | undefined;
  readonly references: Reference[];
  readonly facts: ItemFact[];
}

export interface ImportedName {
  readonly specifier: string;
  /** `*` for the namespace. */
  readonly imported: string;
  /** `with { type: 'json' }`, as text. */
  readonly attributes: string;
  readonly viaRequire: boolean;
}

/** How a reference to a module-level binding is used. */
export type Use =
  | 'read'
  /** Assigned. */
  | 'write'
  /** A member is assigned or deleted, or a method known to change its object is called. */
  | 'mutate'
  /** Another method of it is called. */
  | 'call'
  /** Called itself. */
  | 'invoke'
  /** Passed to a call. */
  | 'argument'
  /** Passed to a function of the same module. */
  | 'argument-local';

export interface Reference {
  readonly name: string;
  readonly offset: number;
  readonly use: Use;
  /** Inside a function: happens when that is called, not when the module is evaluated. */
  readonly deferred: boolean;
  /** `x ??= …`: written once, on first use. */
  readonly lazy: boolean;
  /** Part of this decorator. */
  readonly decorator: Decorator | undefined;
  /** `name.member`, when it is used so. */
  readonly member: string | undefined;
  /** `name().set(…)`, `name().x = …`: what a call of it gives is changed. */
  readonly resultUsed: boolean;
}

/** What else of an item matters for slicing: found by one walk. */
export type ItemFact =
  /** A free identifier that no module declares. */
  | {
      readonly kind: 'global';
      readonly name: string;
      readonly offset: number;
      readonly deferred: boolean;
      readonly use: Use;
      readonly node: SyntaxNode;
    }
  | {
      readonly kind: 'dynamic-import';
      readonly offset: number;
      readonly node: SyntaxNode;
      readonly specifier: string | undefined;
    }
  | {
      readonly kind: 'require';
      readonly offset: number;
      readonly node: SyntaxNode;
      readonly specifier: string | undefined;
    }
  /** `import.meta`; `member` of it where it is read by name. */
  | {
      readonly kind: 'import-meta';
      readonly offset: number;
      readonly node: SyntaxNode;
      readonly member: string | undefined;
    }
  /** `process.env.NAME`, or an `undefined` name: read dynamically. */
  | { readonly kind: 'env'; readonly offset: number; readonly name: string | undefined }
  /** A call whose result differs from one evaluation to the next. */
  | { readonly kind: 'impure'; readonly offset: number; readonly text: string; readonly deferred: boolean }
  /** `return await` at module level. */
  | { readonly kind: 'top-level-await'; readonly offset: number };

export type ModuleExport =
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'from'; readonly specifier: string; readonly imported: string; readonly offset: number };
