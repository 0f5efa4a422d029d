/**
 * The public names of run-pipeline that need no runtime: what a user writes a pipeline with, and the
 * types of what comes back. The package `run-pipeline` re-exports all of them.
 *
 * @module
 */

// Decorated classes
export { Parameter, Pipeline, Step } from './define/decorators.js';
export type { PipelineOptionsInput, StepOptionsInput } from './define/decorators.js';
export type { ParameterDecorator, PipelineDecorator, StepDecorator } from './define/typed-class.js';

// Controller
export { PipelineController } from './define/controller.js';
export type {
  AddParameterOptions,
  PipelineControllerOptions,
  StartLocallyOptions,
  StartOptions,
} from './define/controller.js';
export type { AddFunctionStepOptions } from './define/function-step.js';
export type { AddStepOptions, BaseTask, TaskOverrides } from './define/template-step.js';
export type { DagNode } from './define/pipeline-dag.js';
export type { RunNode } from './define/run-nodes.js';
export type {
  ClonePipelineOptions,
  CreateDraftOptions,
  PipelineTask,
  PipelineTaskQuery,
} from './define/pipeline-task.js';
export type { ContinueBehaviour, ControllerStepOptions, TemplateStepOptions } from './define/step-options.js';

// Pipeline functions
export { step } from './define/step-function.js';
export type { Input, StepFunction, StepFunctionOptions } from './define/step-function.js';
export { pipeline } from './define/pipeline-function.js';
export type {
  ParameterValues,
  PipelineFunction,
  PipelineFunctionOptions,
} from './define/pipeline-function.js';
export type { AnyHandle, Handle } from './define/handle.js';
export { parameter } from './define/parameter.js';
export type { ParameterDeclaration, ParameterOptions } from './define/parameter.js';

// Values and options that all of them share
export { each } from './define/each.js';
export type { Each } from './define/each.js';
export { directory, file } from './define/file-value.js';
export type { FileValue } from './define/file-value.js';
export type { Duration } from './define/duration.js';
export type { CacheDeclaration, ShortStepOptions } from './define/step-options.js';
export type { RetryDeclaration, RetryPredicate } from './define/retry.js';
export type {
  MetricPlace,
  MonitorDeclaration,
  MonitoredArtifact,
  MonitoredMetric,
} from './define/monitor.js';
export type { SharedPipelineOptions, ShortPipelineOptions } from './define/pipeline-options.js';
export type {
  CallbackNode,
  CallbackPipeline,
  Isolation,
  ParameterType,
  PostExecuteCallback,
  PreExecuteCallback,
  StandardSchema,
  StatusChangeCallback,
} from './model/definition.js';

// Running
export { run } from './define/run.js';
export type { ParametersOf, Runnable } from './define/run.js';
export type { Run, RunOptions } from './define/host.js';
export type { RunStatus, StepStatus } from './model/status.js';
export { defineConfig } from './define/config.js';
export type { RunPipelineConfig } from './define/config.js';

// Errors
export { RunPipelineError, StepFailed, isRunPipelineError } from './model/errors.js';
export type { Diagnostic, ErrorKind, ErrorRecord } from './model/errors.js';
export type { SourceLocation } from './model/source.js';
export type { ArtifactRecord } from './model/artifact.js';
