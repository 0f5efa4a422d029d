import type { PipelineDefinition } from '../model/definition.js';
import { callSite } from './call-site.js';
import { OptionReader, declarationError, describeValue } from './option-reader.js';
import { type ParameterDeclaration, entryDefinition } from './parameter.js';
import { SHORT_PIPELINE_OPTIONS, type ShortPipelineOptions, pipelineHead } from './pipeline-options.js';
import { registry } from './registry.js';

/** Of `pipeline()`. */
export interface PipelineFunctionOptions<Parameters> extends ShortPipelineOptions {
  /** Default: the name of the body function. */
  readonly name?: string;
  /** By name: the default (its type is the parameter's), or `parameter({ type, description, schema, default })`. */
  readonly parameters?: Parameters;
}

/** What the body gets: the values of this run. */
export type ParameterValues<Parameters> = {
  readonly [Name in keyof Parameters]: Parameters[Name] extends ParameterDeclaration<infer Value>
    ? Value
    : Parameters[Name];
};

/** A pipeline written as a function: `run(scoring, …)` or the command line runs it. */
export interface PipelineFunction<Parameters, R> {
  /** Throws: a pipeline is run, not called. */
  (...misuse: never[]): never;
  readonly name: string;
  /** The function itself. */
  readonly body: (parameters: ParameterValues<Parameters>) => R;
}

/**
 * A pipeline whose graph grows as its body runs: real loops and branches over steps made by `step()`.
 *
 * The body is executed again on resume and on a re-run; calls whose code and inputs are the same are
 * answered from what is recorded.
 *
 * @throws RunPipelineError for an unknown option, or a parameter that cannot be.
 * @example
 * ```ts
 * import { pipeline, run, step } from 'run-pipeline';
 *
 * const train = step({ returns: ['accuracy'], cache: true }, async (depth: number) => 1 - 1 / depth);
 *
 * export const scoring = pipeline({ name: 'scoring', parameters: { depths: [3, 5, 7] } }, async ({ depths }) => {
 *   const scores = depths.map((depth) => train(depth)); // parallel: train, train_1, train_2
 *   return Math.max(...(await Promise.all(scores)));
 * });
 *
 * await run(scoring, { parameters: { depths: [2, 4] } });
 * ```
 */
export function pipeline<R, Parameters extends Readonly<Record<string, unknown>> = {}>(
  options: PipelineFunctionOptions<Parameters>,
  body: (parameters: ParameterValues<Parameters>) => R,
): PipelineFunction<Parameters, R> {
  const at = callSite(pipeline);
  const reader = new OptionReader({
    what: 'pipeline()',
    values: options,
    known: ['parameters', ...SHORT_PIPELINE_OPTIONS],
    at,
  });
  if (typeof body !== 'function') {
    throw reader.error('pipeline-body', `takes options and a function, not ${describeValue(body)}`);
  }
  const head = pipelineHead(reader, { retry: 'retry' });
  const name = head.name ?? body.name;
  if (name === '') throw reader.error('missing-option', 'needs the option "name"');
  const parameters = declaredParameters(reader, name);
  const subject = Object.assign(
    () => {
      throw declarationError({
        code: 'pipeline-called',
        message: `the pipeline ${name} was called as a function`,
        help: `await run(${name}, { parameters: { … } }) runs it.`,
        at: callSite(subject),
      });
    },
    { body },
  );
  Object.defineProperty(subject, 'name', { value: name, configurable: true });
  const definition: PipelineDefinition = Object.freeze({
    ...head,
    kind: 'function',
    name,
    parameters,
    steps: [],
    body: body as (values: Readonly<Record<string, unknown>>) => unknown,
    subject,
  } satisfies PipelineDefinition);
  registry().pipelines.push({ subject, definition: () => definition });
  return subject as unknown as PipelineFunction<Parameters, R>;
}

function declaredParameters(reader: OptionReader, name: string) {
  const entries: unknown = reader.raw('parameters') ?? {};
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
    throw reader.error('option-type', `takes an object as "parameters", not ${describeValue(entries)}`);
  }
  return Object.entries(entries).map(([parameter, entry]: [string, unknown]) =>
    entryDefinition({ what: `pipeline "${name}"`, name: parameter, entry, at: reader.at }),
  );
}
