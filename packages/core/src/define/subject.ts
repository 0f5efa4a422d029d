import { isPipelineClass, registerClass } from './class-pipeline.js';
import { ownPipelineOfClass } from './metadata.js';
import { type DeclaredPipeline, declarationOf } from './registry.js';

/**
 * The pipeline behind a value: a class with `@Pipeline` or with steps, a controller, what `pipeline()`
 * returned; undefined for anything else. A class found this way is registered.
 */
export function pipelineOf(value: unknown): DeclaredPipeline | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return declarationOf(value) ?? (isPipelineClass(value) ? registerClass(value) : undefined);
}

/** Whether a class has `@Pipeline` of its own; one that has not may be a base that lends its steps. */
export const isDeclaredPipeline = (owner: object): boolean => ownPipelineOfClass(owner) !== undefined;
