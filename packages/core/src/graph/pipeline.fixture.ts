import type {
  DeclaredInputs,
  ParameterDefinition,
  PipelineDefinition,
  StepDefinition,
  StepOptions,
} from '../model/definition.js';
import { parameterDefinition } from '../define/parameter.js';
import { OptionReader } from '../define/option-reader.js';

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
  const reader = new OptionReader({
    what: name,
    values: {},
    known: [],
    at: { file: '/pipe.ts', line: 1, column: 3 },
  });
  return { ...parameterDefinition({ name, reader, default: facts.default }), ...facts };
}

function inputsFixture(inputs: StepFixture['inputs']): DeclaredInputs {
  if (inputs === undefined) return { kind: 'none' };
  if (Array.isArray(inputs)) return { kind: 'positional', values: inputs };
  return { kind: 'named', values: inputs as Readonly<Record<string, unknown>> };
}

const OPTIONS: StepOptions = {
  cache: undefined,
  retry: undefined,
  timeout: undefined,
  queue: undefined,
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
