import type { StepDefinition } from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import { declaredInputs } from './declared-inputs.js';
import { OptionReader } from './option-reader.js';
import {
  CONTROLLER_STEP_OPTIONS,
  type ControllerStepOptions,
  controllerStepOptions,
} from './step-options.js';

/** Of `addFunctionStep`. */
export interface AddFunctionStepOptions<
  Name extends string,
  Args extends unknown[],
  R,
  Kwargs,
  Returns,
> extends ControllerStepOptions {
  readonly name: Name;
  /** A function of this file, of another one, or an inline one that captures nothing. */
  readonly function: (...args: Args) => R;
  /**
   * What it is called with, by the names of its parameters (or the keys of its one destructured
   * object parameter): values, `$<step.return>`, `$<pipeline.parameter>`, `each(…)`, `file(…)`.
   */
  readonly functionKwargs?: Kwargs;
  /** Names of the artifacts: none is `result`, `[]` keeps nothing, several are keys of the returned object. */
  readonly functionReturn?: Returns;
}

export function functionStep(options: unknown, at: SourceLocation | undefined): StepDefinition {
  const name: unknown = (options as { name?: unknown } | undefined)?.name;
  const reader = new OptionReader({
    what: typeof name === 'string' ? `addFunctionStep("${name}")` : 'addFunctionStep',
    values: options,
    known: ['name', 'function', 'functionKwargs', 'functionReturn', ...CONTROLLER_STEP_OPTIONS],
    at,
  });
  const fn = reader.callable<(...args: never[]) => unknown>('function');
  if (fn === undefined) throw reader.error('missing-option', 'needs the option "function"');
  const inputs = declaredInputs(reader, 'functionKwargs');
  if (inputs.kind === 'positional') {
    throw reader.error(
      'option-type',
      'takes an object as "functionKwargs": the keys are the names of the parameters',
    );
  }
  return Object.freeze({
    name: reader.requiredString('name'),
    code: { kind: 'function', function: fn, call: at, file: at?.file },
    inputs,
    returns: reader.strings('functionReturn'),
    parents: reader.strings('parents') ?? [],
    options: controllerStepOptions(reader),
    source: at,
  } satisfies StepDefinition);
}
