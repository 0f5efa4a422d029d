import type { Each } from './each.js';
import type { FileValue } from './file-value.js';
import type { Leaf } from './typed-inputs.js';
import type { Unparsed } from './typed-readings.js';
import type { ReturnsMistake } from './typed-returns.js';
import type { ArtifactAttributes, At, IsAny, IsLiteral, ReferencesIn } from './typed-text.js';

/*
 * What `tsc` knows of a controller. Statements change nothing about the type of the variable they are
 * called on: such a controller is open, and references are checked when it runs. A chain hands the steps
 * it has on from call to call: it is closed, and an unknown reference in it is a compile error.
 */

/** The steps of a controller before a chain has begun: anything may be there. */
export interface Open {
  readonly open: true;
}

/** After `addParameter`: a chain has begun. */
export type AddedParameter<Steps> = Steps extends Open ? {} : Steps;

/** After `addFunctionStep`: the step, with the types of its returns, is known. */
export type AddedStep<
  Steps,
  Name extends string,
  Returns extends readonly string[],
  R,
> = AddedParameter<Steps> & Record<Name, Outputs<Returns, R>>;

/** After `addStep`: the step is known, its artifacts are not (the task uploads them when it runs). */
export type AddedTemplate<Steps, Name extends string> = AddedParameter<Steps> &
  Record<Name, { readonly [artifact: string]: unknown }>;

type Outputs<Returns extends readonly string[], R> = Returns extends readonly [infer Only extends string]
  ? Record<Only, R>
  : R extends readonly unknown[]
    ? {
        [Place in keyof Returns & `${number}` as Returns[Place] & string]: Place extends keyof R
          ? R[Place]
          : unknown;
      }
    : { [Name in Returns[number]]: Name extends keyof R ? R[Name] : unknown };

/** What `functionKwargs` may hold; the references of the chain are in it to be completed while typing. */
export type KwargsOf<Steps, Parameters> = Readonly<
  Record<string, KnownReferences<Steps, Parameters> | Anything>
>;

type Anything = (string & {}) | number | boolean | bigint | symbol | object | null | undefined;
type KnownReferences<Steps, Parameters> = Steps extends Open
  ? never
  : | `$<pipeline.${keyof Parameters & string}>`
    | { [Step in keyof Steps & string]: OfStep<Step, Steps[Step]> }[keyof Steps & string];
type OfStep<Step extends string, Returns> = `$<${Step}.${keyof Returns & string}>`;

/** Adds to `functionKwargs` the sentence that says which reference in it names nothing. */
export type CheckedKwargs<
  Steps,
  Parameters,
  Kwargs,
  Args extends readonly unknown[],
> = Args extends readonly []
  ? [keyof Kwargs] extends [never]
    ? unknown
    : 'the function takes no parameters'
  : NoMistake<NamedMistakes<Steps, Parameters, Kwargs>>;

/** Adds to `parameterOverride` the sentence that says which key or which reference in it is none. */
export type CheckedOverrides<Steps, Parameters, Overrides> = NoMistake<
  | KeyMistake<keyof Overrides & string>
  | MarkerMistakes<Overrides>
  | NamedMistakes<Steps, Parameters, Overrides>
>;

/** The same for overrides whose keys are names. */
export type CheckedFields<Steps, Parameters, Fields> = NoMistake<
  MarkerMistakes<Fields> | NamedMistakes<Steps, Parameters, Fields>
>;

type KeyMistake<Key extends string> = Key extends unknown
  ? IsLiteral<Key> extends false
    ? never
    : Key extends `/${string}` | `${string}/`
      ? `\`${Key}\` is not SECTION/NAME`
      : Key extends `${string}/${string}`
        ? never
        : `\`${Key}\` does not say its section: \`General/${Key}\``
  : never;

type MarkerMistakes<Given> = {
  // `any` and `never` extend everything.
  [Name in keyof Given & string]: true extends IsAny<Given[Name]> | IsNever<Given[Name]>
    ? never
    : Given[Name] extends Each<unknown>
      ? `${Name}: each() cannot stand here, a step from a task is one clone`
      : Given[Name] extends FileValue
        ? `${Name}: a file cannot stand here, give a url or a path`
        : never;
}[keyof Given & string];

type IsNever<T> = [T] extends [never] ? true : false;

/** References that name nothing. An open controller knows no names. */
type NamedMistakes<Steps, Parameters, Given> = Steps extends Open
  ? never
  : {
      [Name in keyof Given & string]: ReferenceMistakes<
        Steps,
        Parameters,
        ReferencesInside<Given[Name]>
      > extends infer Mistake extends string
        ? `${Name}: ${Mistake}`
        : never;
    }[keyof Given & string];

/** Adds to `functionReturn` the sentence that says which name the function does not return. */
export type CheckedReturns<Returns extends readonly string[], R> = NoMistake<ReturnsMistake<Returns, R>>;

type NoMistake<Mistake> = [Mistake] extends [never] ? unknown : Mistake;

/** In texts, also inside of lists and plain objects. */
type ReferencesInside<Given> = Given extends string
  ? ReferencesIn<Given>
  : Given extends Each<infer List>
    ? ReferencesInside<List>
    : Given extends Leaf
      ? never
      : Given extends readonly (infer Item)[]
        ? ReferencesInside<Item>
        : Given extends object
          ? ReferencesInside<Given[keyof Given]>
          : never;

type ReferenceMistakes<Steps, Parameters, Inside extends string> = Inside extends unknown
  ? IsLiteral<Inside> extends false
    ? never
    : Inside extends `pipeline.${infer Rest}`
      ? Rest extends `${infer Name}.${infer Path}`
        ? InsideOf<Parameters, Name, Path, Inside, `there is no parameter \`${Name}\` in this chain`>
        : InsideOf<Parameters, Rest, '', Inside, `there is no parameter \`${Rest}\` in this chain`>
      : Inside extends `${infer Step}.${infer Rest}`
        ? Step extends `${infer Mapped}[${number}]`
          ? StepMistake<Steps, Mapped, Rest, Inside>
          : StepMistake<Steps, Step, Rest, Inside>
        : Unparsed<Inside>
  : never;

type StepMistake<
  Steps,
  Step extends string,
  Rest extends string,
  Inside extends string,
> = Step extends keyof Steps
  ? Rest extends 'id' | `parameters.${string}`
    ? never
    : Rest extends `artifacts.${infer Name}.${infer Attribute}`
      ? Attribute extends keyof ArtifactAttributes
        ? InsideOf<Steps[Step], Name, '', Inside, NoReturn<Step, Name>>
        : `an artifact has no \`${Attribute}\``
      : Rest extends `${infer Name}.${infer Path}`
        ? // A step with `each()` gives a list: a path may begin with the place in it.
          Path extends `${number}` | `${number}.${string}`
          ? InsideOf<Steps[Step], Name, '', Inside, NoReturn<Step, Name>>
          : InsideOf<Steps[Step], Name, Path, Inside, NoReturn<Step, Name>>
        : InsideOf<Steps[Step], Rest, '', Inside, NoReturn<Step, Rest>>
  : `there is no step \`${Step}\` in this chain`;

type NoReturn<Step extends string, Name extends string> = `the step \`${Step}\` returns no \`${Name}\``;

type InsideOf<
  Known,
  Name extends string,
  Path extends string,
  Inside extends string,
  Missing,
> = Name extends keyof Known
  ? Path extends ''
    ? never
    : [At<Known[Name], Path>] extends [never]
      ? `there is nothing at \`${Inside}\``
      : never
  : Missing;
