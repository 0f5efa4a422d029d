/** The decorator that `Pipeline()` gives. */
export interface PipelineDecorator {
  <Class extends abstract new () => object>(owner: Class, context?: ClassDecoratorContext<Class>): void;
}

/** The decorator that `Parameter()` gives. */
export interface ParameterDecorator {
  <This, Value>(value: undefined, context: ClassFieldDecoratorContext<This, Value>): void;
  (prototype: object, key: string): void;
}

/** The decorator that `Step()` gives. */
export interface StepDecorator<_Inputs, _Returns extends readonly string[]> {
  <This, Args extends unknown[], R>(
    value: (this: This, ...args: Args) => R,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => R>,
  ): void;
  <This extends object, Args extends unknown[], R>(
    prototype: This,
    key: string,
    descriptor: { value?: (...args: Args) => R },
  ): void;
}
