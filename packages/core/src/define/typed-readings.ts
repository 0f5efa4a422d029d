import type { FileValue } from './file-value.js';
import type { ArtifactAttributes, At, OtherReading, Reading } from './typed-text.js';

/*
 * What a reference in a decorated class may stand for. The types see the class and its methods, not what
 * the decorators of the other methods say; so a reference has several readings, and one of them has to fit.
 */

type Method = (...args: never[]) => unknown;
type AnyMethod = (...args: any[]) => any;

/** A sentence when the reference names nothing; else the readings it may have. */
export type Readings<This, Inside extends string> = Inside extends `pipeline.${infer Rest}`
  ? Rest extends `${infer Name}.${infer Path}`
    ? ParameterReadings<This, Name, Path>
    : ParameterReadings<This, Rest, ''>
  : Inside extends `${infer Step}.${infer Rest}`
    ? Step extends `${infer Mapped}[${number}]`
      ? StepReadings<This, Mapped, Rest, 'element'>
      : StepReadings<This, Step, Rest, 'whole'>
    : Unparsed<Inside>;

export type Unparsed<Inside extends string> = Inside extends ''
  ? '`$<` without `>`'
  : `\`${Inside}\` is neither STEP.RETURN nor pipeline.PARAMETER`;

type ParameterReadings<This, Name extends string, Path extends string> = Name extends keyof This
  ? This[Name] extends Method
    ? `\`${Name}\` is a step and not a parameter`
    : Path extends ''
      ? ParameterReading<This[Name]>
      : Boxed<At<This[Name], Path>> | (string extends This[Name] ? Boxed<At<FileValue, Path>> : never)
  : `there is no parameter \`${Name}\``;

/** A parameter of type `file` or `directory` is declared as a path, and the step gets the file. */
type ParameterReading<T> = Reading<T> | (string extends T ? OtherReading<FileValue> : never);

type StepReadings<This, Step extends string, Rest extends string, Part> = Step extends keyof This
  ? This[Step] extends AnyMethod
    ? Rest extends 'id'
      ? Reading<string>
      : Rest extends `artifacts.${string}.${infer Attribute}`
        ? Attribute extends keyof ArtifactAttributes
          ? Reading<ArtifactAttributes[Attribute]>
          : `an artifact has no \`${Attribute}\``
        : Rest extends `parameters.${string}`
          ? Reading<any>
          : ReturnReadings<ReturnType<This[Step]>, Rest, Part>
    : `\`${Step}\` is a field and not a step; a parameter is \`pipeline.${Step}\``
  : `there is no step \`${Step}\``;

/**
 * The types cannot see what the other step's decorator says: the name may be that of the whole value or
 * of one of several returns, and the step may be a mapped one, which gives the list of either.
 */
type ReturnReadings<R, Rest extends string, Part> =
  ValueReadings<Awaited<R>, Rest> | (Part extends 'whole' ? ListReadings<Awaited<R>, Rest> : never);

type ValueReadings<T, Rest extends string> = Rest extends `${infer Name}.${infer Path}`
  ? Boxed<At<T, Path>> | (Name extends keyof T ? Boxed<At<T[Name], Path>> : never) | TupleReadings<T, Path>
  : Rest extends keyof T
    ? Reading<T[Rest]> | OtherReading<T>
    : Reading<T> | TupleReadings<T, ''>;

/** Returns that name the places of a tuple: which of them, only the decorator knows. */
type TupleReadings<T, Path extends string> = T extends readonly unknown[]
  ? number extends T['length']
    ? never
    : { [Place in keyof T]: Path extends '' ? OtherReading<T[Place]> : Boxed<At<T[Place], Path>> }[number]
  : never;

type ListReadings<T, Rest extends string> = Rest extends `${string}.${string}`
  ? AfterName<T, Rest>
  : OtherReading<T[]> | (Rest extends keyof T ? OtherReading<T[Rest][]> : never);

/** `score.result.0.name`: a path into the list that a mapped step gives. */
type AfterName<T, Rest extends string> = Rest extends `${infer Name}.${infer Path}`
  ? Boxed<At<T[], Path>> | (Name extends keyof T ? Boxed<At<T[Name][], Path>> : never)
  : never;

/** Nothing is at that place: no reading. */
type Boxed<T> = [T] extends [never] ? never : Reading<T>;

/**
 * In a generic class, a step that takes a `T` which another one returns: the compiler knows that it fits
 * only as long as no conditional type looks into it.
 */
export type Returned<This, Inside extends string> = Inside extends `${infer Step}.${infer Name}`
  ? Name extends `${string}.${string}` | 'id'
    ? never
    : Step extends keyof This
      ? This[Step] extends AnyMethod
        ? Reading<ReturnType<This[Step]>> | Reading<Resolved<ReturnType<This[Step]>>>
        : never
      : never
  : never;
type Resolved<R> = R extends PromiseLike<infer Value> ? Value : R;
