import { type Run, type RunOptions, runHost } from './host.js';
import { OptionReader, declarationError, describeValue } from './option-reader.js';
import type { PipelineFunction } from './pipeline-function.js';
import { pipelineOf } from './subject.js';

/** What `run()` takes: a decorated class, a controller, or a pipeline function. */
export type Runnable = (abstract new () => object) | PipelineFunction<never, unknown> | object;

const RUN_OPTIONS = [
  'parameters',
  'concurrency',
  'refresh',
  'cache',
  'from',
  'to',
  'only',
  'queue',
  'remote',
  'local',
  'output',
  'signal',
  'source',
] as const;

/**
 * Runs a pipeline from a program. Settles when the run has ended; a failed step does not reject it.
 * Sets `process.exitCode` when the file that calls it is the program.
 *
 * @throws RunPipelineError for an option, a parameter or a definition that cannot be.
 * @example
 * ```ts
 * import { Pipeline, Parameter, Step, run } from 'run-pipeline';
 *
 * @Pipeline({ name: 'greeting' })
 * export class Greeting {
 *   @Parameter() who = 'world';
 *   @Step({ inputs: ['$<pipeline.who>'], returns: ['text'] }) greet(who: string) {
 *     return `Hello, ${who}`;
 *   }
 * }
 *
 * const greeting = await run(Greeting, { parameters: { who: 'you' } });
 * console.log(greeting.status, await greeting.get('greet.text'));
 * ```
 */
export async function run(subject: Runnable, options: RunOptions = {}): Promise<Run> {
  if (pipelineOf(subject) === undefined) {
    throw declarationError({
      code: 'not-a-pipeline',
      message: `run() takes a class with @Step methods, a PipelineController or a pipeline(), not ${describeValue(subject)}`,
    });
  }
  new OptionReader({ what: 'run()', values: options, known: RUN_OPTIONS, at: undefined });
  return runHost().run(subject, options);
}
