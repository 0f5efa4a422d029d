// The small build: the metadata functions alone, without the polyfills for old engines.
import 'reflect-metadata/lite';
import type { DeclaredInputs, StepOptions } from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import type { OptionReader } from './option-reader.js';
import type { PipelineHead } from './pipeline-options.js';

/**
 * What the decorators leave behind for discovery. Standard decorators never see the prototype, and
 * `context.metadata` is undefined wherever the runtime has no `Symbol.metadata` and the compiler does
 * not make up for it; so a step is remembered on its function, which both kinds of decorators see, and
 * on the prototype when one is known. `reflect-metadata` keeps it where a second copy of this module
 * (ESM beside CommonJS) finds it too.
 */
export interface DecoratedStep {
  readonly inputs: DeclaredInputs;
  readonly returns: readonly string[] | undefined;
  readonly parents: readonly string[];
  readonly options: StepOptions;
  readonly source: SourceLocation | undefined;
}

export interface DecoratedParameter {
  readonly reader: OptionReader;
}

/** Of one prototype: members in the order in which their decorators were applied. */
export interface DecoratedMembers {
  readonly steps: Map<string, DecoratedStep>;
  readonly parameters: Map<string, DecoratedParameter>;
  /**
   * What standard decorators told of an instance with this prototype: the members of its base classes
   * too, base classes first, an override after what it overrides. Complete once an instance was made.
   */
  readonly seenSteps: Map<string, DecoratedStep>;
  readonly seenParameters: Map<string, DecoratedParameter>;
}

const STEP = 'run-pipeline:step';
const MEMBERS = 'run-pipeline:members';
const PIPELINE = 'run-pipeline:pipeline';

export const rememberStep = (method: object, step: DecoratedStep): void =>
  Reflect.defineMetadata(STEP, step, method);

export function stepOfFunction(method: unknown): DecoratedStep | undefined {
  return typeof method === 'function'
    ? (Reflect.getOwnMetadata(STEP, method) as DecoratedStep | undefined)
    : undefined;
}

/** Made on first use, so that asking for them is also how they are added to. */
export function membersOf(prototype: object): DecoratedMembers {
  const known = ownMembers(prototype);
  if (known !== undefined) return known;
  const members: DecoratedMembers = {
    steps: new Map(),
    parameters: new Map(),
    seenSteps: new Map(),
    seenParameters: new Map(),
  };
  Reflect.defineMetadata(MEMBERS, members, prototype);
  return members;
}

export const ownMembers = (prototype: object): DecoratedMembers | undefined =>
  Reflect.getOwnMetadata(MEMBERS, prototype) as DecoratedMembers | undefined;

export const rememberPipeline = (owner: object, head: PipelineHead): void =>
  Reflect.defineMetadata(PIPELINE, head, owner);

/** Of the class itself or of the nearest base class that has one. */
export const pipelineOfClass = (owner: object): PipelineHead | undefined =>
  Reflect.getMetadata(PIPELINE, owner) as PipelineHead | undefined;

export const ownPipelineOfClass = (owner: object): PipelineHead | undefined =>
  Reflect.getOwnMetadata(PIPELINE, owner) as PipelineHead | undefined;
