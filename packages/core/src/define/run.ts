import { callSite } from './call-site.js';
import type { PipelineController } from './controller.js';
import type { FileValue } from './file-value.js';
import { type Run, type RunOptions, runHost } from './host.js';
import { declarationError, describeValue } from './option-reader.js';
import type { ParameterValues, PipelineFunction } from './pipeline-function.js';
import { checkedRunOptions } from './run-options.js';
import { pipelineOf } from './subject.js';
import type { Open } from './typed-controller.js';

/** What `run()` takes: a decorated class, a controller, or a pipeline function. */
export type Runnable =
  (abstract new () => object) | PipelineController<never, never> | PipelineFunction<never, unknown>;

/** The parameters of a pipeline, as `run()` takes them. A path does for a file. */
export type ParametersOf<Subject> =
  Subject extends PipelineFunction<infer Parameters, unknown>
    ? Settings<ParameterValues<Parameters>>
    : Subject extends PipelineController<infer Steps, infer Parameters>
      ? Steps extends Open
        ? Readonly<Record<string, unknown>>
        : Settings<Parameters>
      : Subject extends abstract new () => infer Instance
        ? Settings<{
            [Name in keyof Instance as Instance[Name] extends Method ? never : Name]: Instance[Name];
          }>
        : Readonly<Record<string, unknown>>;
type Method = (...args: never[]) => unknown;

type Settings<Values> = { readonly [Name in keyof Values]?: Setting<Values[Name]> };
type Setting<Value> =
  Value | (string extends Value ? FileValue : never) | (FileValue extends Value ? string : never);

/**
 * Runs a pipeline from a program. Settles when the run has ended; a failed step does not reject it.
 * Sets `process.exitCode` when the file that calls it is the program.
 *
 * @throws RunPipelineError for an option, a parameter or a definition that cannot be.
 * @example
 * ```ts
 * import { Parameter, Pipeline, Step, run } from 'run-pipeline';
 *
 * @Pipeline({ name: 'greeting' })
 * export class Greeting {
 *   @Parameter() who = 'world';
 *
 *   @Step({ inputs: ['$<pipeline.who>'], returns: ['text'] })
 *   greet(who: string) {
 *     return `Hello, ${who}`;
 *   }
 * }
 *
 * const greeting = await run(Greeting, { parameters: { who: 'you' } });
 * console.log(greeting.status, await greeting.get('greet.text'));
 * ```
 */
export async function run<Subject extends Runnable>(
  subject: Subject,
  options: Omit<RunOptions, 'parameters'> & { readonly parameters?: ParametersOf<Subject> } = {},
): Promise<Run> {
  const at = callSite(run);
  if (pipelineOf(subject) === undefined) {
    throw declarationError({
      code: 'not-a-pipeline',
      message: `run() takes a class with @Step methods, a PipelineController or a pipeline(), not ${describeValue(subject)}`,
      at,
    });
  }
  return runHost().run(subject, checkedRunOptions('run()', options as RunOptions, at));
}
