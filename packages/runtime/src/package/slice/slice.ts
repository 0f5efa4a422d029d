import type { Diagnostic } from '@run-pipeline/core/model';
import type { Item, Module } from '../module/module.js';
import type { Target } from '../module/program.js';
import type { SyntaxNode } from '../module/syntax.js';
import type { ClassShape, Member } from './class-members.js';

/** Exactly what one step reaches: which declarations of which modules. */
export interface Slice {
  readonly entry: SliceEntry;
  readonly modules: ReadonlyMap<Module, ModuleSlice>;
  readonly diagnostics: readonly Diagnostic[];
  /** The pipeline's file, when the step's code is in another one and the file sets something up. */
  readonly root: Module | undefined;
  /** Modules that nothing imports but that change state which the step reaches, in the program's order. */
  readonly changers: readonly Module[];
  /** `@Parameter` fields that the step reads. */
  readonly reads: readonly string[] | 'all';
  /** Static members that the step changes: `P.count++`. */
  readonly classState: readonly { readonly id: string; readonly offset: number; readonly module: Module }[];
}

/** What the module of the package exports by default. */
export type SliceEntry =
  /** A declaration, by its name. */
  | {
      readonly kind: 'name';
      readonly module: Module;
      readonly name: string;
      readonly functionNode: SyntaxNode | undefined;
    }
  /** An expression inside a declaration: an inline function, `f.bind(null, 1)`. */
  | {
      readonly kind: 'expression';
      readonly module: Module;
      readonly item: Item;
      readonly node: SyntaxNode;
      readonly functionNode: SyntaxNode | undefined;
    }
  /** A method of a class; `chain` starts with the class itself, its base classes follow. */
  | {
      readonly kind: 'method';
      readonly module: Module;
      readonly item: Item;
      readonly method: string;
      readonly chain: readonly ClassShape[];
      readonly functionNode: SyntaxNode | undefined;
    };

export interface ModuleSlice {
  readonly module: Module;
  readonly items: Set<Item>;
  /** What of the items is kept: whole declarations, class members, one expression. */
  readonly parts: SlicePart[];
  /** Classes of which only some members are kept. */
  readonly classes: Map<Item, ClassSlice>;
  /** `const train = step(…)` of which only `.fn` is used. */
  readonly stepFunctions: Map<Item, SyntaxNode>;
  /** Declared names that other modules of the slice import. */
  readonly exported: Set<string>;
  /** Exports that are read through a namespace of this module. */
  readonly namespace: Map<string, Target>;
  /** Modules evaluated for their effects alone, in order. */
  readonly evaluated: Evaluated[];
}

export interface SlicePart {
  readonly item: Item;
  readonly node: SyntaxNode;
}

export type Evaluated =
  | { readonly kind: 'module'; readonly module: Module; readonly offset: number }
  | { readonly kind: 'import'; readonly target: Target; readonly offset: number };

export interface ClassSlice {
  readonly shape: ClassShape;
  readonly kept: Set<Member>;
  heritage: boolean;
}
