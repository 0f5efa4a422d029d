import type { ParameterDefinition, PipelineDefinition, StepDefinition } from '../model/definition.js';
import type { ClassValue } from './decorated-position.js';
import {
  type DecoratedParameter,
  type DecoratedStep,
  ownMembers,
  ownPipelineOfClass,
  pipelineOfClass,
  stepOfFunction,
} from './metadata.js';
import { OptionReader, declarationError } from './option-reader.js';
import { parameterDefinition } from './parameter.js';
import { type PipelineHead, SHORT_PIPELINE_OPTIONS, pipelineHead } from './pipeline-options.js';
import { type DeclaredPipeline, declarationOf, registry } from './registry.js';

/** Makes a decorated class known; its definition is built when it is asked for, once. */
export function registerClass(owner: ClassValue): DeclaredPipeline {
  const known = declarationOf(owner);
  if (known !== undefined) return known;
  let definition: PipelineDefinition | undefined;
  const declared: DeclaredPipeline = {
    subject: owner,
    definition: () => (definition ??= classDefinition(owner)),
  };
  registry().pipelines.push(declared);
  return declared;
}

/** A class that is a pipeline: it has `@Pipeline`, or steps of its own or of its base classes. */
export function isPipelineClass(value: unknown): value is ClassValue {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return pipelineOfClass(value) !== undefined || declaredSteps(prototype).size > 0;
}

function classDefinition(owner: ClassValue): PipelineDefinition {
  const head = headOf(owner);
  // Standard decorators tell of fields only while an instance is made: construct before collecting.
  const instance = constructOnce(owner, head);
  const steps = collectSteps(owner.prototype as object);
  const source = head.source ?? ownPlace(owner, steps);
  return Object.freeze({
    ...head,
    kind: 'class',
    name: head.name ?? owner.name,
    source,
    parameters: collectParameters(instance, owner.prototype as object),
    steps: [...steps].map(([name, step]) => stepDefinition(owner, name, step, source?.file)),
    subject: owner,
  } satisfies PipelineDefinition);
}

/** A derived class has the options of its base class, but a name and a place of its own. */
function headOf(owner: ClassValue): PipelineHead {
  const own = ownPipelineOfClass(owner);
  if (own !== undefined) return own;
  const inherited = pipelineOfClass(owner);
  if (inherited === undefined) {
    const reader = new OptionReader({
      what: '@Pipeline',
      values: {},
      known: SHORT_PIPELINE_OPTIONS,
      at: undefined,
    });
    return pipelineHead(reader, { retry: 'retry' });
  }
  // A class decorator that returns a subclass (a mixin) is the same pipeline under the same name.
  const base = Object.getPrototypeOf(owner) as { readonly name?: string };
  const isWrapper = owner.name === '' || owner.name === base.name;
  return {
    ...inherited,
    name: isWrapper ? (inherited.name ?? base.name) : undefined,
    source: isWrapper ? inherited.source : undefined,
  };
}

function constructOnce(owner: ClassValue, head: PipelineHead): object {
  const at = head.source;
  if (owner.length > 0) {
    throw declarationError({
      code: 'constructor-arguments',
      message: `the constructor of ${owner.name} takes arguments; a pipeline class is constructed without any`,
      help: 'Make what it needs @Parameter fields, or give the arguments defaults.',
      at,
    });
  }
  try {
    return new (owner as new () => object)();
  } catch (cause) {
    throw declarationError({
      code: 'constructor-throws',
      message: `the constructor of ${owner.name} (or one of its fields) threw: ${cause instanceof Error ? cause.message : String(cause)}`,
      help: 'A pipeline class is constructed once, without arguments, to learn its parameters.',
      at,
      cause,
    });
  }
}

/** From the most basic class to the given one. */
function prototypesOf(prototype: object): readonly object[] {
  const chain: object[] = [];
  for (let next: object | null = prototype; next !== null && next !== Object.prototype;) {
    chain.unshift(next);
    next = Object.getPrototypeOf(next) as object | null;
  }
  return chain;
}

/** Steps that are known without an instance: base classes first, each in the order of the source. */
function declaredSteps(prototype: object): Map<string, DecoratedStep> {
  const steps = new Map<string, DecoratedStep>();
  for (const level of prototypesOf(prototype)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      const step = ownStep(level, name);
      if (step !== undefined) steps.set(name, step);
    }
  }
  return steps;
}

function ownStep(prototype: object, name: string): DecoratedStep | undefined {
  return (
    ownMembers(prototype)?.steps.get(name) ??
    stepOfFunction(Object.getOwnPropertyDescriptor(prototype, name)?.value)
  );
}

/**
 * All steps. Where another decorator put its own function in the place of a method, the function tells
 * nothing; then what a standard decorator told of the instance counts.
 */
function collectSteps(prototype: object): Map<string, DecoratedStep> {
  const declared = declaredSteps(prototype);
  const seen = ownMembers(prototype)?.seenSteps ?? new Map<string, DecoratedStep>();
  const isComplete = [...declared.keys()].every((name) => seen.has(name));
  const names = isComplete ? [...seen.keys()] : [...new Set([...declared.keys(), ...seen.keys()])];
  const chain = [...prototypesOf(prototype)].reverse();
  return new Map(
    names.map((name) => {
      const definer = chain.find((level) => Object.hasOwn(level, name));
      const own = definer === undefined ? undefined : ownStep(definer, name);
      return [name, (own ?? seen.get(name) ?? declared.get(name))!];
    }),
  );
}

function collectParameters(instance: object, prototype: object): readonly ParameterDefinition[] {
  const parameters = new Map<string, DecoratedParameter>();
  for (const level of prototypesOf(prototype)) {
    for (const [name, parameter] of ownMembers(level)?.parameters ?? []) parameters.set(name, parameter);
  }
  for (const [name, parameter] of ownMembers(prototype)?.seenParameters ?? []) {
    if (ownMembers(prototype)?.parameters.has(name) !== true) parameters.set(name, parameter);
  }
  return [...parameters].map(([name, { reader }]) =>
    parameterDefinition({ name, reader, default: (instance as Record<string, unknown>)[name] }),
  );
}

function stepDefinition(
  owner: ClassValue,
  name: string,
  step: DecoratedStep,
  file: string | undefined,
): StepDefinition {
  return Object.freeze({
    name,
    code: {
      kind: 'method',
      owner: owner as abstract new () => object,
      className: owner.name,
      method: name,
      file,
    },
    inputs: step.inputs,
    returns: step.returns,
    parents: step.parents,
    options: step.options,
    source: step.source,
  } satisfies StepDefinition);
}

/** Where a class without `@Pipeline` stands: at its first step of its own. */
function ownPlace(owner: ClassValue, steps: ReadonlyMap<string, DecoratedStep>): DecoratedStep['source'] {
  for (const [name, step] of steps) {
    if (ownStep(owner.prototype as object, name) === step) return step.source;
  }
  return undefined;
}
