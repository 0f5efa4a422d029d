import type { PipelineDefinition, StepDefinition } from '../model/definition.js';
import type { Diagnostic } from '../model/errors.js';
import type { SourceLocation } from '../model/source.js';
import { elementOf } from '../references/parse.js';
import type { InputNode, Reference } from '../references/reference.js';
import { suggestion } from '../references/suggest.js';
import { diagnostic } from './diagnose.js';
import type { GraphNode } from './graph.js';
import { inputNodes } from './inputs.js';

/** What `$<step.artifacts.NAME.…>` may ask for. */
export const ARTIFACT_ATTRIBUTES: readonly string[] = [
  'url',
  'hash',
  'size',
  'type',
  'name',
  'preview',
  'createdAt',
];

/** Names compared in all: thousands of names for each of thousands of mistakes would not be linear. */
const MOST_COMPARISONS = 50_000;

interface Checked {
  readonly definition: PipelineDefinition;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** Of every node, in order of mention. */
  readonly references: ReadonlyMap<string, readonly Reference[]>;
}

/** Checks what nodes refer to: steps, returns, parameters, attributes, elements, explicit parents. */
export function checkReferences(checked: Checked): readonly Diagnostic[] {
  const checker = new ReferenceChecker(checked);
  for (const node of checked.nodes.values()) checker.node(node);
  return checker.found;
}

class ReferenceChecker {
  readonly found: Diagnostic[] = [];
  private readonly nodes: ReadonlyMap<string, GraphNode>;
  private readonly steps: readonly string[];
  private readonly parameters: readonly string[];
  private readonly parameterNames: ReadonlySet<string>;
  private readonly fileParameters: ReadonlySet<string>;
  private compared = 0;
  private current: GraphNode | undefined;

  constructor(private readonly checked: Checked) {
    this.nodes = checked.nodes;
    this.steps = [...checked.nodes.keys()];
    this.parameters = checked.definition.parameters.map((parameter) => parameter.name);
    this.parameterNames = new Set(this.parameters);
    this.fileParameters = new Set(
      checked.definition.parameters
        .filter(({ type }) => type === 'file' || type === 'directory')
        .map(({ name }) => name),
    );
  }

  node(node: GraphNode): void {
    this.current = node;
    for (const parent of new Set(node.definition.parents)) this.parent(parent);
    const seen = new Set<string>();
    for (const reference of this.checked.references.get(node.name) ?? []) {
      // Repeating a mistake in one step does not make it two.
      if (seen.has(reference.text)) continue;
      seen.add(reference.text);
      this.reference(reference);
    }
    if (node.mapped) this.eachLengths(node);
  }

  private parent(parent: string): void {
    const name = this.current?.name ?? '';
    if (parent === name) {
      this.report('self-parent', `step \`${name}\` is its own parent`, 'remove it from `parents`');
    } else if (!this.nodes.has(parent)) {
      const element = elementOf(parent);
      const help =
        element !== undefined && this.nodes.has(element.step)
          ? `parents are whole steps: \`${element.step}\``
          : this.suggest(parent, this.steps, 'step');
      this.report(
        'unknown-parent',
        `step \`${name}\`: there is no step \`${parent}\` that could be its parent`,
        help,
      );
    }
  }

  private reference(reference: Reference): void {
    if (reference.kind === 'parameter') {
      if (this.parameterNames.has(reference.name)) return this.parameterValue(reference);
      const help = this.suggest(reference.name, this.parameters, 'parameter') ?? 'declare the parameter';
      this.unfit('unknown-parameter', reference, `there is no parameter \`${reference.name}\``, help);
      return;
    }
    const step = this.stepOf(reference);
    if (step === undefined) return;
    switch (reference.kind) {
      case 'return':
        this.returnName(reference, step);
        return;
      case 'artifact':
        this.artifact(reference, step);
        return;
      case 'task-parameter':
        this.taskParameter(reference, step);
        return;
      case 'id':
        return;
      default:
        reference satisfies never;
    }
  }

  /** What a file parameter stands for is the file's content, which a task's parameter cannot hold. */
  private parameterValue(reference: Extract<Reference, { kind: 'parameter' }>): void {
    if (this.current?.definition.code.kind !== 'task' || !this.fileParameters.has(reference.name)) return;
    this.unfit(
      'file-override',
      reference,
      `\`${reference.name}\` is a file, and a parameter of a task is a value`,
      `let a function step take the file and return it, and pass the url of that: $<STEP.artifacts.NAME.url>`,
    );
  }

  /** The step that a reference names, if it may. */
  private stepOf(reference: Exclude<Reference, { kind: 'parameter' }>): StepDefinition | undefined {
    const element = elementOf(reference.step);
    const name = element?.step ?? reference.step;
    const node = this.nodes.get(name);
    if (node === undefined) {
      const help = this.suggest(name, this.steps, 'step');
      this.unfit('unknown-step', reference, `there is no step \`${name}\``, help ?? TEXT_HELP(reference));
      return undefined;
    }
    if (node === this.current) {
      this.unfit('self-reference', reference, 'a step cannot take its own result', undefined);
      return undefined;
    }
    if (element === undefined) return node.definition;
    if (!node.mapped) {
      this.unfit(
        'not-mapped',
        reference,
        `\`${name}\` is one step, not one for each element of a list`,
        reference.kind === 'return'
          ? `an element of its value is \`$<${name}.${reference.name}.${element.index}>\``
          : `give \`${name}\` an each() among its inputs, or write \`$<${name}.…>\``,
      );
      return undefined;
    }
    const length = knownLength(node);
    if (length !== undefined && element.index >= length) {
      this.unfit(
        'unknown-element',
        reference,
        `\`${name}\` has ${length} elements`,
        length === 0 ? undefined : `the last one is \`${name}[${length - 1}]\``,
      );
      return undefined;
    }
    return node.definition;
  }

  private returnName(reference: Extract<Reference, { kind: 'return' }>, step: StepDefinition): void {
    if (uploadsUnknown(step)) return;
    const returns = step.returns ?? ['result'];
    if (returns.includes(reference.name)) return;
    if (step.returns === undefined) {
      const inside = [reference.step, 'result', reference.name, ...reference.path].join('.');
      const help = `write \`$<${reference.step}.result>\`, \`$<${inside}>\` for a part of it, or declare \`returns\``;
      this.unfit(
        'unknown-return',
        reference,
        `step \`${step.name}\` declares no returns: its value is called \`result\``,
        help,
      );
    } else if (returns.length === 0) {
      this.unfit(
        'unknown-return',
        reference,
        `step \`${step.name}\` keeps nothing (\`returns: []\`)`,
        `add \`${reference.name}\` to its returns`,
      );
    } else {
      const message = `step \`${step.name}\` does not return \`${reference.name}\``;
      this.unfit('unknown-return', reference, message, this.suggest(reference.name, returns, 'return'));
    }
  }

  private artifact(reference: Extract<Reference, { kind: 'artifact' }>, step: StepDefinition): void {
    if (!ARTIFACT_ATTRIBUTES.includes(reference.attribute)) {
      const help = this.suggest(reference.attribute, ARTIFACT_ATTRIBUTES, 'attribute');
      this.unfit('unknown-attribute', reference, `artifacts have no \`${reference.attribute}\``, help);
    }
    const returns = step.returns ?? ['result'];
    if (uploadsUnknown(step) || returns.includes(reference.name)) return;
    // Steps may upload artifacts beside their returns; which ones is known only when they ran.
    const help = this.suggest(reference.name, returns, 'return');
    this.unfit(
      'unknown-artifact',
      reference,
      `step \`${step.name}\` does not return \`${reference.name}\`, so it must upload an artifact of that name`,
      help,
      'warning',
    );
  }

  private taskParameter(
    reference: Extract<Reference, { kind: 'task-parameter' }>,
    step: StepDefinition,
  ): void {
    // The section of a function's arguments is known; others a task fills while it runs.
    if (uploadsUnknown(step) || reference.section !== 'kwargs' || step.inputs.kind !== 'named') return;
    if (Object.hasOwn(step.inputs.values, reference.name)) return;
    const help = this.suggest(reference.name, Object.keys(step.inputs.values), 'input');
    this.unfit(
      'unknown-parameter',
      reference,
      `step \`${step.name}\` has no input \`${reference.name}\``,
      help,
    );
  }

  private eachLengths(node: GraphNode): void {
    const lengths = new Set(eachLists(node).flatMap((list) => lengthOf(list) ?? []));
    if (lengths.size < 2) return;
    this.report(
      'each-length',
      `step \`${node.name}\`: several each() zip, but their lists have ${[...lengths].join(' and ')} elements`,
      'make the lists equally long',
    );
  }

  private unfit(
    code: string,
    reference: Reference,
    why: string,
    help: string | undefined,
    severity: 'error' | 'warning' = 'error',
  ): void {
    this.report(code, `step \`${this.current?.name ?? ''}\`: \`${reference.text}\`: ${why}`, help, severity);
  }

  private report(
    code: string,
    message: string,
    help: string | undefined,
    severity: 'error' | 'warning' = 'error',
  ): void {
    const at: SourceLocation | undefined = this.current?.definition.source ?? this.checked.definition.source;
    this.found.push(diagnostic({ code, severity, message, at, help }));
  }

  private suggest(name: string, known: readonly string[], noun: string): string | undefined {
    if (this.compared > MOST_COMPARISONS) return undefined;
    this.compared += known.length;
    return suggestion(name, known, noun);
  }
}

/** What a task uploads and connects is known when it has run, not before. */
const uploadsUnknown = (step: StepDefinition): boolean => step.code.kind === 'task';

/** A text that merely looks like a reference, `${user.name}` in a template for something else. */
const TEXT_HELP = (reference: Reference): string | undefined =>
  reference.text.startsWith('${') ? 'to keep it as text, write $${…}' : undefined;

const eachLists = (node: GraphNode): readonly InputNode[] =>
  inputNodes(node.inputs).flatMap((input) => (input.kind === 'each' ? [input.list] : []));

function lengthOf(list: InputNode): number | undefined {
  if (list.kind === 'list') return list.items.length;
  return list.kind === 'literal' && Array.isArray(list.value) ? list.value.length : undefined;
}

/** How many elements a mapped node has, when a list of it is written out. */
const knownLength = (node: GraphNode): number | undefined =>
  eachLists(node)
    .map(lengthOf)
    .find((length) => length !== undefined);
