import type { PipelineDefinition, StepDefinition } from '../model/definition.js';

/**
 * Every pipeline and every `step()` that was declared in this process, in order. On `globalThis`,
 * since ESM and CommonJS may load core twice. The only module-level mutable state of core.
 */
export interface DeclaredPipeline {
  /** The class, the controller or the pipeline function. */
  readonly subject: object;
  /** Asked for only when the pipeline is used: a class is constructed then, a controller may still grow. */
  readonly definition: () => PipelineDefinition;
}

export interface Registry {
  readonly pipelines: DeclaredPipeline[];
  /** Steps made by `step()`, by their callable. */
  readonly steps: Map<object, StepDefinition>;
}

const REGISTRY = Symbol.for('run-pipeline.registry');

export function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  return (holder[REGISTRY] ??= { pipelines: [], steps: new Map() });
}

/** The declaration of a class, controller or pipeline function. */
export function declarationOf(subject: object): DeclaredPipeline | undefined {
  return registry().pipelines.find((pipeline) => pipeline.subject === subject);
}
