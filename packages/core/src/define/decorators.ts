import { callSite } from './call-site.js';
import { registerClass } from './class-pipeline.js';
import { type ClassValue, type Position, decoratedPosition } from './decorated-position.js';
import { declaredInputs } from './declared-inputs.js';
import { type DecoratedStep, membersOf, rememberPipeline, rememberStep } from './metadata.js';
import { OptionReader, declarationError } from './option-reader.js';
import { PARAMETER_OPTIONS, type ParameterOptions } from './parameter.js';
import { SHORT_PIPELINE_OPTIONS, type ShortPipelineOptions, pipelineHead } from './pipeline-options.js';
import { SHORT_STEP_OPTIONS, type ShortStepOptions, shortStepOptions } from './step-options.js';
import type { ParameterDecorator, PipelineDecorator, StepDecorator } from './typed-class.js';

/** Of `@Pipeline`. */
export interface PipelineOptionsInput extends ShortPipelineOptions {
  /** Default: the name of the class. */
  readonly name?: string;
}

/** Of `@Step`. */
export interface StepOptionsInput<Inputs, Returns> extends ShortStepOptions {
  /**
   * What the method is called with: a list (one value a parameter), or an object (the keys of its one
   * destructured object parameter). Values, references `$<step.return>` or `$<pipeline.parameter>`,
   * `each(…)`, `file(…)`.
   */
  readonly inputs?: Inputs;
  /**
   * Names of the artifacts: none is `result`, `[]` keeps nothing, one name is the whole value, several
   * are the keys of the returned object or the places of a tuple.
   */
  readonly returns?: Returns;
}

/**
 * Makes a class a pipeline. Works as a legacy and as a standard decorator.
 *
 * The class is constructed once, without arguments, when the pipeline is used; the values of its
 * `@Parameter` fields are the defaults.
 *
 * @throws RunPipelineError for an unknown option or one of a wrong type.
 * @example
 * ```ts
 * import { Parameter, Pipeline, Step } from 'run-pipeline';
 *
 * @Pipeline({ name: 'greeting', project: 'examples', version: '1.0.0', cache: true })
 * export class Greeting {
 *   @Parameter({ description: 'whom to greet' })
 *   who = 'world';
 *
 *   @Step({ inputs: ['$<pipeline.who>'], returns: ['text'] })
 *   greet(who: string): string {
 *     return `Hello, ${who}`;
 *   }
 * }
 * ```
 */
export function Pipeline(options: PipelineOptionsInput = {}): PipelineDecorator {
  const at = callSite(Pipeline);
  if (isBareUse(arguments)) throw bareUse('@Pipeline', `@Pipeline({ name: '…' })`, at);
  const head = pipelineHead(
    new OptionReader({ what: '@Pipeline', values: options, known: SHORT_PIPELINE_OPTIONS, at }),
    { retry: 'retry' },
  );
  return ((...args: readonly unknown[]) => {
    const position = decoratedPosition('@Pipeline', args, at);
    if (position.kind !== 'class') {
      throw misplaced('@Pipeline', position, 'stands on a class', at);
    }
    rememberPipeline(position.owner, head);
    registerClass(position.owner);
  }) as PipelineDecorator;
}

/**
 * Makes a public instance method a step; the method's name is the step's name. Calling the method
 * directly, in a unit test, stays a plain call.
 *
 * @throws RunPipelineError for an unknown option, and on anything but a public instance method.
 * @example
 * ```ts
 * import { Step } from 'run-pipeline';
 *
 * export class Sums {
 *   numbers = [1, 2, 3];
 *
 *   @Step({ inputs: ['$<pipeline.numbers>'], returns: ['sum', 'count'] })
 *   add(numbers: number[]) {
 *     return { sum: numbers.reduce((a, b) => a + b, 0), count: numbers.length };
 *   }
 *
 *   @Step({ inputs: ['$<add.sum>', '$<add.count>'], cache: true, retry: 2, timeout: '1m' })
 *   mean(sum: number, count: number) {
 *     return sum / count;
 *   }
 * }
 * ```
 */
export function Step<
  const Inputs extends readonly unknown[] | { readonly [key: string]: unknown } = [],
  const Returns extends readonly string[] = [string],
>(options: StepOptionsInput<Inputs, Returns> = {}): StepDecorator<Inputs, Returns> {
  const at = callSite(Step);
  if (isBareUse(arguments)) throw bareUse('@Step', '@Step() or @Step({ … })', at);
  const reader = new OptionReader({
    what: '@Step',
    values: options,
    known: ['inputs', 'returns', ...SHORT_STEP_OPTIONS],
    at,
  });
  const step: DecoratedStep = {
    inputs: declaredInputs(reader, 'inputs'),
    returns: reader.strings('returns'),
    parents: reader.strings('parents') ?? [],
    options: shortStepOptions(reader),
    source: at,
  };
  return ((...args: readonly unknown[]) => {
    const position = decoratedPosition('@Step', args, at);
    if (position.kind !== 'method') {
      throw misplaced('@Step', position, 'stands on methods: write `name() { … }`', at);
    }
    rememberStep(position.method!, step);
    if (position.prototype !== undefined) membersOf(position.prototype).steps.set(position.name, step);
    position.onInstance?.((instance) => membersOf(prototypeOf(instance)).seenSteps.set(position.name, step));
  }) as StepDecorator<Inputs, Returns>;
}

/**
 * Makes a field a parameter of the pipeline; its initialiser is the default, a field without one is
 * required. `--param who=you` and `run(Greeting, { parameters: { who: 'you' } })` set it.
 *
 * @throws RunPipelineError for an unknown option, and on anything but a public instance field.
 * @example
 * ```ts
 * import { Parameter, Step, type FileValue } from 'run-pipeline';
 *
 * export class Sizes {
 *   @Parameter({ type: 'file', description: 'the CSV' })
 *   data = 'data/iris.csv';
 *
 *   @Step({ inputs: ['$<pipeline.data>'] })
 *   size(data: FileValue) {
 *     return data.size;
 *   }
 * }
 * ```
 */
export function Parameter<const Options extends ParameterOptions = {}>(
  options: Options = {} as Options,
): ParameterDecorator<Options> {
  const at = callSite(Parameter);
  if (isBareUse(arguments)) throw bareUse('@Parameter', '@Parameter() or @Parameter({ … })', at);
  const reader = new OptionReader({ what: '@Parameter', values: options, known: PARAMETER_OPTIONS, at });
  return ((...args: readonly unknown[]) => {
    const position = decoratedPosition('@Parameter', args, at);
    if (position.kind !== 'field') {
      throw misplaced('@Parameter', position, 'stands on fields: write `name = default`', at);
    }
    if (position.prototype !== undefined)
      membersOf(position.prototype).parameters.set(position.name, { reader });
    position.onInstance?.((instance) =>
      membersOf(prototypeOf(instance)).seenParameters.set(position.name, { reader }),
    );
  }) as ParameterDecorator<Options>;
}

const prototypeOf = (instance: object): object => Object.getPrototypeOf(instance) as object;

/** A decorator without its call gets the decorated thing in place of its options. */
function isBareUse(args: ArrayLike<unknown>): boolean {
  return args.length > 1 || typeof args[0] === 'function';
}

const bareUse = (name: string, form: string, at: Parameters<typeof declarationError>[0]['at']) =>
  declarationError({ code: 'decorator-call', message: `${name} is written with parentheses: ${form}`, at });

function misplaced(
  name: string,
  position: Position,
  rule: string,
  at: Parameters<typeof declarationError>[0]['at'],
) {
  const what =
    position.kind === 'class'
      ? `the class ${(position.owner as ClassValue).name}`
      : `the ${position.kind} ${position.name}`;
  return declarationError({ code: 'decorator-place', message: `${name} stands on ${what}; it ${rule}`, at });
}
