import type { InputsMistake, ReturnsMistake } from './typed-inputs.js';

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
export interface ParameterDecorator {
  <Target, Place, Descriptor = undefined>(
    target: Target & OnTarget<Target, ParameterMistake<Target, Place, Descriptor>>,
    place: Place & OnPlace<Target, ParameterMistake<Target, Place, Descriptor>>,
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

type ParameterMistake<Target, Place, Descriptor> = Place extends { readonly kind: string }
  ? Place extends ClassFieldDecoratorContext
    ? Place extends { readonly static: true }
      ? NotAField
      : Place extends { readonly name: infer Name; readonly access: { has(object: infer This): boolean } }
        ? PublicField<This, Name>
        : never
    : NotAField
  : Target extends abstract new (...args: never[]) => unknown
    ? NotAField
    : Descriptor extends undefined
      ? PublicField<Target, Place>
      : NotAField;

type NotAField = '@Parameter stands on instance fields: write `name = default`';
type PublicField<This, Name> = Name extends keyof This & string
  ? never
  : '@Parameter stands on public fields with a name';
