import type {
  ParameterDefinition,
  PipelineDefinition,
  SourceLocation,
  StepCode,
  StepDefinition,
} from '@run-pipeline/core/model';
import type { MapToSource } from './discovery.js';

/**
 * A definition as the user sees it: every raw position of it mapped to the source, and the file of
 * each step's code told. Not to be mapped again.
 */
export function mapDefinition(definition: PipelineDefinition, map: MapToSource): PipelineDefinition {
  const place = (at: SourceLocation | undefined): SourceLocation | undefined =>
    at === undefined ? undefined : map(at);
  const source = place(definition.source);
  return {
    ...definition,
    source,
    parameters: definition.parameters.map((parameter): ParameterDefinition => ({
      ...parameter,
      source: place(parameter.source),
    })),
    steps: definition.steps.map((step) => mapStep(step, place, source?.file)),
  };
}

/** The same for a step alone: those of a pipeline function come one by one. */
export function mapStep(
  step: StepDefinition,
  place: (at: SourceLocation | undefined) => SourceLocation | undefined,
  /** File of the class that owns it. */
  ownerFile: string | undefined,
): StepDefinition {
  const source = place(step.source);
  return { ...step, source, code: mapCode(step.code, place, source, ownerFile) };
}

function mapCode(
  code: StepCode,
  place: (at: SourceLocation | undefined) => SourceLocation | undefined,
  source: SourceLocation | undefined,
  ownerFile: string | undefined,
): StepCode {
  if (code.kind === 'method') return { ...code, file: ownerFile ?? source?.file };
  const call = place(code.call);
  return { ...code, call, file: call?.file ?? source?.file };
}
