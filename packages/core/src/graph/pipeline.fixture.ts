import type {
  DeclaredInputs,
  ParameterDefinition,
  PipelineDefinition,
  StepDefinition,
  StepOptions,
} from '../model/definition.js';
import { fileMarker } from '../define/file-value.js';

/** Definitions for the tests of this room, written the way a user's file reads. */
export interface StepFixture {
  readonly inputs?: readonly unknown[] | Readonly<Record<string, unknown>>;
  readonly returns?: readonly string[];
  readonly parents?: readonly string[];
}

export function pipelineFixture(
  steps: Readonly<Record<string, StepFixture>> | readonly (readonly [string, StepFixture])[],
  parameters: Readonly<Record<string, unknown>> = {},
  kind: PipelineDefinition['kind'] = 'controller',
): PipelineDefinition {
  const list = Array.isArray(steps)
    ? (steps as readonly (readonly [string, StepFixture])[])
    : Object.entries(steps);
  return {
    kind,
    name: 'demo',
    project: 'examples',
    version: undefined,
    description: undefined,
    tags: [],
    parameters: Object.entries(parameters).map(([name, value]) => parameterFixture(name, { default: value })),
    steps: list.map(([name, step], index) => stepFixture(name, step, index + 1)),
    options: {
      cache: false,
      queue: undefined,
      abortOnFailure: false,
      timeout: undefined,
      concurrency: undefined,
      env: [],
      secrets: [],
      retry: { retries: 0, backoff: 0, maxBackoff: 0, when: undefined },
    },
    source: { file: '/pipe.ts', line: 1, column: 1 },
    subject: {},
  };
}

export function stepFixture(name: string, step: StepFixture, line: number): StepDefinition {
  return {
    name,
    code: { kind: 'function', function: () => undefined, call: undefined, file: undefined },
    inputs: inputsFixture(step.inputs),
    returns: step.returns,
    parents: step.parents ?? [],
    options: OPTIONS,
    source: { file: '/pipe.ts', line: line + 1, column: 1 },
  };
}

export function parameterFixture(
  name: string,
  facts: Partial<ParameterDefinition> = {},
): ParameterDefinition {
  const type = typeOf(facts.default);
  const source = { file: '/pipe.ts', line: 1, column: 3 };
  const required = facts.default === undefined;
  return {
    name,
    description: undefined,
    type,
    schema: undefined,
    required,
    default: undefined,
    source,
    ...facts,
  };
}

function typeOf(value: unknown): ParameterDefinition['type'] {
  const marker = fileMarker(value);
  if (marker !== undefined) return marker.directory ? 'directory' : 'file';
  if (value instanceof Date) return 'date';
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  return value === undefined || typeof value === 'string' ? 'string' : 'json';
}

function inputsFixture(inputs: StepFixture['inputs']): DeclaredInputs {
  if (inputs === undefined) return { kind: 'none' };
  if (Array.isArray(inputs)) return { kind: 'positional', values: inputs };
  return { kind: 'named', values: inputs as Readonly<Record<string, unknown>> };
}

const OPTIONS: StepOptions = {
  monitor: { metrics: [], artifacts: [] },
  cache: undefined,
  retry: undefined,
  timeout: undefined,
  queue: undefined,
  priority: 0,
  env: [],
  secrets: [],
  assets: [],
  isolation: 'process',
  resources: {},
  tags: [],
  continueOnFail: false,
  continueOnAbort: false,
  skipChildrenOnFail: true,
  skipChildrenOnAbort: true,
  preExecuteCallback: undefined,
  postExecuteCallback: undefined,
  statusChangeCallback: undefined,
};
