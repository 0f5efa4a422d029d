import type { ParameterType } from '../model/definition.js';
import type { FileValue } from './file-value.js';
import type { InputsMistake } from './typed-inputs.js';
import type { ReturnsMistake } from './typed-returns.js';
import type { Reading } from './typed-text.js';

/*
 * One signature serves both decorator standards: legacy decorators are called with (class, name,
 * descriptor), standard ones with (method, context). It takes everything and adds the mistake, if there
 * is one, to the type of its first argument: so the compiler's message ends with the sentence. Overloads
 * would bury it under "no overload matches this call".
 */

/** The decorator that `Step()` gives: for public instance methods, legacy and standard. */
export interface StepDecorator<Inputs, Returns extends readonly string[]> {
  <Target, Place, Descriptor = undefined>(
    target: Target & OnTarget<Target, StepMistake<Target, Place, Descriptor, Inputs, Returns>>,
    place: Place & OnPlace<Target, StepMistake<Target, Place, Descriptor, Inputs, Returns>>,
    descriptor?: Descriptor,
  ): void;
}

/** The decorator that `Parameter()` gives: for public instance fields, legacy and standard. */
export interface ParameterDecorator<Options = {}> {
  <Target, Place, Descriptor = undefined>(
    target: Target & OnTarget<Target, ParameterMistake<Target, Place, Descriptor, Options>>,
    place: Place & OnPlace<Target, ParameterMistake<Target, Place, Descriptor, Options>>,
    descriptor?: Descriptor,
  ): void;
}

/** The decorator that `Pipeline()` gives: for classes that are constructed without arguments. */
export interface PipelineDecorator {
  <Class extends abstract new () => object>(owner: Class, context?: ClassDecoratorContext<Class>): void;
}

type OnTarget<Target, Mistake> = [Mistake] extends [never]
  ? unknown
  : [Target] extends [undefined]
    ? unknown
    : Mistake;
/** Standard decorators of fields get undefined as the first argument: nothing can be added to its type. */
type OnPlace<Target, Mistake> = [Mistake] extends [never]
  ? unknown
  : [Target] extends [undefined]
    ? Mistake
    : unknown;

type StepMistake<Target, Place, Descriptor, Inputs, Returns extends readonly string[]> = Place extends {
  readonly kind: string;
}
  ? Place extends ClassMethodDecoratorContext<infer This, infer Method>
    ? Place extends { readonly static: true }
      ? StaticStep
      : Place extends { readonly name: infer Name }
        ? MethodMistake<This, Name, Method, Inputs, Returns>
        : never
    : NotAMethod
  : Target extends abstract new (...args: never[]) => unknown
    ? StaticStep
    : Descriptor extends { value?: infer Method }
      ? MethodMistake<Target, Place, Method, Inputs, Returns>
      : NotAMethod;

type StaticStep = '@Step stands on instance methods, not on static ones';
type NotAMethod = '@Step stands on methods: write `name() { … }` instead of a field or an accessor';

type MethodMistake<This, Name, Method, Inputs, Returns extends readonly string[]> = Name extends keyof This
  ? Name extends symbol
    ? '@Step stands on methods with a name, not on symbols'
    : NonNullable<Method> extends (...args: infer Args) => infer R
      ? InputsMistake<This, Inputs, Args> | ReturnsMistake<Returns, Awaited<R>>
      : NotAMethod
  : '@Step stands on public methods';

type ParameterMistake<Target, Place, Descriptor, Options> = Place extends { readonly kind: string }
  ? Place extends ClassFieldDecoratorContext<infer This>
    ? Place extends { readonly static: true }
      ? NotAField
      : Place extends { readonly name: infer Name }
        ? FieldMistake<This, Name, Options>
        : never
    : NotAField
  : Target extends abstract new (...args: never[]) => unknown
    ? NotAField
    : Descriptor extends undefined
      ? FieldMistake<Target, Place, Options>
      : NotAField;

type NotAField = '@Parameter stands on instance fields: write `name = default`';
type FieldMistake<This, Name, Options> = Name extends keyof This & string
  ? Options extends { readonly schema: unknown }
    ? never
    : Options extends { readonly type: infer Type extends ParameterType }
      ? Reading<Exclude<This[Name], undefined | null>> extends Reading<FieldTypes[Type]>
        ? never
        : [`a parameter of type \`${Type}\` holds`, FieldTypes[Type], 'and the field', This[Name]]
      : never
  : '@Parameter stands on public fields with a name';

/** What a field of each type may hold as its default. A file is declared by its path. */
interface FieldTypes {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  json: unknown;
  date: Date;
  file: string | FileValue;
  directory: string | FileValue;
}
