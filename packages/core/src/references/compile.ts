import { isEach } from '../define/each.js';
import { fileMarker } from '../define/file-value.js';
import { RunPipelineError, isRunPipelineError } from '../model/errors.js';
import { parseTemplate } from './parse.js';
import type { InputNode, Reference } from './reference.js';

/**
 * From a declared input to a tree in which references are found: in strings, inside arrays and plain
 * objects, and in the path of `file()` and `directory()`. Everything else (dates, maps, typed arrays,
 * instances) is a value and is never looked into.
 *
 * A subtree without references and files is one `literal` that holds the user's own object, or a copy
 * where an escape (`$$<`) had to become text. Files always stay nodes, so that whoever runs the step
 * need not search values for them.
 */
export function compileInput(value: unknown, options: CompileOptions = {}): InputNode {
  const { node, problems } = compileInputWithProblems(value, options);
  const [first] = problems;
  if (first === undefined) return node;
  throw new RunPipelineError({
    kind: 'definition',
    code: first.code,
    message: problems.map((problem) => problem.message).join('\n'),
    help: first.help,
    diagnostics: problems.map((problem) => ({
      code: problem.code,
      severity: 'error',
      message: problem.message,
      ...(problem.help === undefined ? {} : { help: problem.help }),
    })),
  });
}

export interface CompileOptions {
  /** How messages name the input; default `input`. */
  readonly label?: string;
  /**
   * `false` for values that are not declarations, the arguments of a call in a pipeline function: their
   * strings are text, whatever they look like. Default true.
   */
  readonly parse?: boolean;
  /** Asked for every object and function first: a handle becomes a reference here. */
  readonly substitute?: (value: object) => InputNode | undefined;
}

/** What is wrong with an input; the message names the place inside it. */
export interface InputProblem {
  readonly code:
    'invalid-reference' | 'nested-each' | 'each-list' | 'cyclic-input' | 'input-too-deep' | 'input-lossy';
  readonly message: string;
  readonly help: string | undefined;
}

/** As `compileInput`, with every problem as data. */
export function compileInputWithProblems(
  value: unknown,
  options: CompileOptions = {},
): { readonly node: InputNode; readonly problems: readonly InputProblem[] } {
  if (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'string')
  ) {
    return { node: literal(value), problems: [] };
  }
  const compiler = new Compiler(options);
  const node = compiler.input(value);
  return { node, problems: compiler.problems };
}

/** Every reference in the node, in order of mention, repeats included. */
export function referencesOf(node: InputNode): readonly Reference[] {
  if (node.kind === 'literal') return NONE;
  if (node.kind === 'reference') return [node.reference];
  const found: Reference[] = [];
  // Equal subtrees of the declaration are one node: visited once, or shared structure costs its paths.
  const seen = new Set<InputNode>();
  const visit = (current: InputNode): void => {
    if (current.kind === 'literal' || seen.has(current)) return;
    seen.add(current);
    switch (current.kind) {
      case 'reference':
        found.push(current.reference);
        return;
      case 'template':
        for (const part of current.parts) if (typeof part !== 'string') found.push(part);
        return;
      case 'list':
        for (const item of current.items) visit(item);
        return;
      case 'object':
        for (const [, entry] of current.entries) visit(entry);
        return;
      case 'file':
        visit(current.path);
        return;
      case 'each':
        visit(current.list);
        return;
      default:
        current satisfies never;
    }
  };
  visit(node);
  return found;
}

const NONE: readonly Reference[] = Object.freeze([]);

/** Arrays longer than this are visited by key: a sparse one may have four thousand million places. */
const DENSE_LENGTH = 1_000_000;
/** Well below what the stack takes. */
const DEEPEST = 1_000;

type Container = readonly unknown[] | Readonly<Record<string, unknown>>;

/** `undefined` as a result means: a literal, kept as it is. */
class Compiler {
  readonly problems: InputProblem[] = [];
  private readonly done = new Map<object, InputNode | undefined>();
  private readonly open = new Set<object>();
  /** Objects that hold themselves. */
  private readonly cyclic = new Set<object>();
  private readonly place: (string | number)[] = [];

  constructor(private readonly options: CompileOptions) {}

  input(value: unknown): InputNode {
    if (!isEach(value)) return this.visit(value) ?? { kind: 'literal', value };
    const list = this.visit(value.each) ?? { kind: 'literal', value: value.each };
    const fits =
      list.kind === 'reference' ||
      list.kind === 'list' ||
      (list.kind === 'literal' && Array.isArray(list.value));
    if (!fits && !isEach(value.each)) {
      this.report(
        'each-list',
        'each() takes an array or one reference that stands for one',
        "write each('$<STEP.RETURN>') or each([…])",
      );
    }
    return { kind: 'each', list };
  }

  private visit(value: unknown): InputNode | undefined {
    if (typeof value === 'string') return this.text(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
    const substitute = this.options.substitute?.(value);
    if (substitute !== undefined) return substitute;
    if (typeof value === 'function') return undefined;
    if (isEach(value)) {
      this.report(
        'nested-each',
        'each() can only be a whole input, not inside another value',
        'map the outer list in a step of its own',
      );
      return undefined;
    }
    const marker = fileMarker(value);
    if (marker !== undefined) {
      const path = this.text(marker.path) ?? { kind: 'literal', value: marker.path };
      return { kind: 'file', directory: marker.directory, path };
    }
    if (!Array.isArray(value) && !isPlainObject(value)) return undefined;
    return this.container(value as Container);
  }

  private text(text: string): InputNode | undefined {
    if (this.options.parse === false || !text.includes('$')) return undefined;
    try {
      const template = parseTemplate(text);
      if (template.kind !== 'literal') return template;
      return template.text === text ? undefined : { kind: 'literal', value: template.text };
    } catch (error) {
      if (!isRunPipelineError(error)) throw error;
      this.report('invalid-reference', error.message, error.help);
      return undefined;
    }
  }

  private container(value: Container): InputNode | undefined {
    if (this.done.has(value)) return this.done.get(value);
    if (this.open.has(value)) {
      this.cyclic.add(value);
      return undefined;
    }
    if (this.open.size >= DEEPEST) {
      this.report(
        'input-too-deep',
        `values are nested more than ${DEEPEST} levels deep`,
        'make the value in a step',
      );
      return undefined;
    }
    this.open.add(value);
    const children = Array.isArray(value)
      ? this.items(value)
      : this.entries(value as Readonly<Record<string, unknown>>);
    this.open.delete(value);
    const node = children === undefined ? undefined : this.rebuild(value, children);
    if (node !== undefined && this.cyclic.has(value)) {
      this.report(
        'cyclic-input',
        'a value that holds itself cannot hold references or files',
        'break the cycle',
      );
    }
    this.done.set(value, node);
    return node;
  }

  private items(list: readonly unknown[]): Children | undefined {
    let children: Children | undefined;
    const look = (index: number): void => {
      this.place.push(index);
      const node = this.visit(list[index]);
      if (node !== undefined) (children ??= new Map()).set(index, node);
      this.place.pop();
    };
    if (list.length <= DENSE_LENGTH) for (let index = 0; index < list.length; index++) look(index);
    else for (const key of Object.keys(list)) if (/^\d+$/.test(key)) look(Number(key));
    return children;
  }

  private entries(object: Readonly<Record<string, unknown>>): Children | undefined {
    let children: Children | undefined;
    for (const key of Object.keys(object)) {
      this.place.push(key);
      const node = this.visit(object[key]);
      if (node !== undefined) (children ??= new Map()).set(key, node);
      this.place.pop();
    }
    return children;
  }

  private rebuild(value: Container, children: Children): InputNode | undefined {
    if (onlyLiterals(children)) return { kind: 'literal', value: copyWith(value, children) };
    // What cannot be expressed in a tree of references would be lost without a word.
    if (Object.getOwnPropertySymbols(value).length > 0) {
      this.report('input-lossy', 'an object with references cannot have symbol keys', 'use string keys');
      return undefined;
    }
    if (!Array.isArray(value)) {
      const object = value as Readonly<Record<string, unknown>>;
      const entries = Object.keys(object).map(
        (key) => [key, children.get(key) ?? literal(object[key])] as const,
      );
      return { kind: 'object', entries };
    }
    if (Object.keys(value).length !== value.length) {
      this.report(
        'input-lossy',
        'an array with references cannot have holes or named properties',
        'use null for a missing element',
      );
      return undefined;
    }
    return { kind: 'list', items: value.map((item, index) => children.get(index) ?? literal(item)) };
  }

  private report(code: InputProblem['code'], message: string, help: string | undefined): void {
    const label = this.options.label ?? 'input';
    const place = this.place.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    this.problems.push({ code, message: `${label}${place}: ${message}`, help });
  }
}

/** Of an array or an object: only those that are not literals kept as they are. */
type Children = Map<string | number, InputNode>;
type LiteralNode = Extract<InputNode, { kind: 'literal' }>;

function onlyLiterals(children: Children): children is Map<string | number, LiteralNode> {
  for (const child of children.values()) if (child.kind !== 'literal') return false;
  return true;
}

const literal = (value: unknown): InputNode => ({ kind: 'literal', value });

/** The same object with some properties replaced; descriptors, because `__proto__` is a key like any other. */
function copyWith(value: Container, replaced: ReadonlyMap<string | number, LiteralNode>): unknown {
  const descriptors: Record<string, PropertyDescriptor> = Object.getOwnPropertyDescriptors(value);
  for (const [key, node] of replaced) {
    const descriptor = { value: node.value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(descriptors, key, { value: descriptor, enumerable: true, configurable: true });
  }
  if (!Array.isArray(value)) return Object.create(Object.getPrototypeOf(value) as object | null, descriptors);
  return Object.defineProperties([], descriptors);
}

/** Made by a literal, `Object.create(null)` or another realm's literal. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
