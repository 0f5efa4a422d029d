import type { StepDefinition } from '../model/definition.js';
import { callSite } from './call-site.js';
import { type AnyHandle, type Handle, makeHandle } from './handle.js';
import { currentScope } from './issue.js';
import { OptionReader, declarationError, describeValue } from './option-reader.js';
import { registry } from './registry.js';
import type { CheckedReturns } from './typed-controller.js';
import { declaredPlace } from './source-option.js';
import { SHORT_STEP_OPTIONS, type ShortStepOptions, shortStepOptions } from './step-options.js';

/** Of `step()`. */
export interface StepFunctionOptions<Returns extends readonly string[]> extends Omit<
  ShortStepOptions,
  'parents'
> {
  /** Default: the function's name, or that of the variable the step is kept in. */
  readonly name?: string;
  /** Names of the artifacts: none is `result`, `[]` keeps nothing, several are keys of the returned object. */
  readonly returns?: Returns;
  /** `import.meta.url`, where the file cannot be told from the call site. */
  readonly source?: string | URL;
}

/** What a step takes in a pipeline function: the value, a handle on it, or both mixed inside it. */
export type Input<T> = T | AnyHandle<T> | InputInside<T>;
type Whole = string | number | bigint | boolean | symbol | null | undefined | Date | RegExp;
type Opaque = ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ArrayBufferView | ArrayBuffer | Function;
type InputInside<T> = T extends Whole | Opaque
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: Input<T[Key]> }
    : T;

type Inputs<Args extends readonly unknown[]> = { [Place in keyof Args]: Input<Args[Place]> };

type AnyStepFunction = StepFunction<unknown[], unknown, readonly string[]>;

/** A step as a function: called in a pipeline function it adds a node and gives a handle. */
export interface StepFunction<
  Args extends readonly unknown[],
  R,
  Returns extends readonly string[] = readonly [],
> {
  (...inputs: Inputs<Args>): Handle<R, Returns>;
  /** One call with a label for its node, or after steps whose values it does not take. */
  with(options: {
    readonly name?: string;
    readonly parents?: readonly (AnyHandle<unknown> | string)[];
  }): (...inputs: Inputs<Args>) => Handle<R, Returns>;
  /** The function itself, for unit tests. */
  readonly fn: (...args: Args) => R | Promise<R>;
}

/**
 * Makes a function a step of pipeline functions.
 *
 * @throws RunPipelineError for an unknown option; when called outside of a pipeline function.
 * @example
 * ```ts
 * import { pipeline, step } from 'run-pipeline';
 *
 * const load = step({ returns: ['rows'] }, async (url: string) => [url.length, 1, 2]);
 * const sum = step({ cache: true, retry: 2 }, (rows: number[]) => rows.reduce((a, b) => a + b, 0));
 *
 * export const total = pipeline({ name: 'total', parameters: { url: 'https://example.com' } }, async ({ url }) => {
 *   const loaded = load(url); // a handle: nothing is downloaded
 *   return (await sum(loaded.rows)) > 10 ? sum([1, 2]) : undefined; // awaiting gives the value
 * });
 * ```
 */
export function step<Args extends unknown[], R>(fn: (...args: Args) => R): StepFunction<Args, Awaited<R>>;
export function step<Args extends unknown[], R, const Returns extends readonly string[] = []>(
  options: StepFunctionOptions<Returns>,
  fn: ((...args: Args) => R) & CheckedReturns<Returns, Awaited<R>>,
): StepFunction<Args, Awaited<R>, Returns>;
export function step(...args: readonly unknown[]): AnyStepFunction {
  const at = callSite(step);
  const [options, fn] = args.length === 1 && typeof args[0] === 'function' ? [{}, args[0]] : args;
  if (typeof fn !== 'function') {
    throw declarationError({
      code: 'step-function',
      message: `step() takes a function, or options and a function, not ${describeValue(fn)}`,
      help: 'step(fn) or step({ returns: [...] }, fn). On a method of a class: @Step({ ... }).',
      at,
    });
  }
  const reader = new OptionReader({
    what: 'step()',
    values: options,
    known: ['name', 'returns', 'source', ...SHORT_STEP_OPTIONS.filter((option) => option !== 'parents')],
    at,
  });
  const source = declaredPlace(reader);
  const definition: StepDefinition = Object.freeze({
    name: reader.string('name') ?? fn.name,
    code: {
      kind: 'function',
      function: fn as (...values: never[]) => unknown,
      call: source,
      file: source?.file,
    },
    inputs: { kind: 'none' },
    returns: reader.strings('returns'),
    parents: [],
    options: shortStepOptions(reader),
    source,
  } satisfies StepDefinition);
  return callable(definition, fn);
}

function callable(definition: StepDefinition, fn: Function): AnyStepFunction {
  const call = (...inputs: readonly unknown[]) =>
    issue(call, { args: inputs, label: undefined, parents: [] });
  const result = Object.assign(call, {
    fn,
    with: (options: unknown) => {
      const reader = new OptionReader({
        what: `${stepDefinitionOf(call)?.name ?? 'step'}.with()`,
        values: options,
        known: ['name', 'parents'],
        at: callSite(result.with),
      });
      const parents: unknown = reader.raw('parents') ?? [];
      if (!Array.isArray(parents))
        throw reader.error('option-type', 'takes a list of handles or names as "parents"');
      const label = reader.string('name');
      return (...inputs: readonly unknown[]) => issue(call, { args: inputs, label, parents });
    },
  });
  Object.defineProperty(call, 'name', { get: () => stepDefinitionOf(call)?.name, configurable: true });
  registry().steps.set(call, definition);
  return result as unknown as AnyStepFunction;
}

function issue(
  call: object,
  options: {
    readonly args: readonly unknown[];
    readonly label: string | undefined;
    readonly parents: readonly unknown[];
  },
): Handle<unknown, string> {
  const definition = stepDefinitionOf(call)!;
  const scope = currentScope();
  const name = definition.name === '' ? 'a step' : `the step ${definition.name}`;
  if (scope === undefined) {
    throw declarationError({
      code: 'step-outside-pipeline',
      message: `${name} was called outside of a pipeline function`,
      help: 'Call it in the body of pipeline(…). In a unit test call its function: `.fn(…)`.',
      at: definition.source,
    });
  }
  if (definition.name === '') {
    throw declarationError({
      code: 'step-without-name',
      message: 'a step has no name: it is an anonymous function and not kept in a variable of its file',
      help: "step({ name: 'train' }, …), or a named function, or const train = step(…).",
      at: definition.source,
    });
  }
  return makeHandle(scope.issue({ step: definition, ...options }), definition.returns);
}

/** The declaration behind what `step()` returned. */
export const stepDefinitionOf = (callable: object): StepDefinition | undefined =>
  registry().steps.get(callable);

/**
 * Names a step after the variable it is kept in, which only whoever reads the source knows. A name of
 * its own stays.
 */
export function nameStep(callable: object, name: string): void {
  const definition = stepDefinitionOf(callable);
  if (definition?.name === '') registry().steps.set(callable, Object.freeze({ ...definition, name }));
}
