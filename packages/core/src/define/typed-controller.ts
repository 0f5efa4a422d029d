/** The steps of a controller that is put together by statements: `tsc` cannot know them. */
export interface Open {
  readonly open: true;
}

type Outputs<Returns extends readonly string[], R> = Returns extends readonly [infer Only extends string]
  ? Record<Only, R>
  : { [Name in Returns[number]]: Name extends keyof R ? R[Name] : unknown };

export type AddedParameter<Steps> = Steps extends Open ? {} : Steps;
export type AddedStep<
  Steps,
  Name extends string,
  Returns extends readonly string[],
  R,
> = AddedParameter<Steps> & Record<Name, Outputs<Returns, R>>;

export type CheckedKwargs<_Steps, _Parameters, _Kwargs> = unknown;
export type CheckedReturns<_Returns, _R> = unknown;
