import { didYouMean, RunPipelineError } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { checkQueueName } from '../queue/index.js';

/** Queues are to be there before an agent serves them: with a wrong name it would wait for ever. */
export async function serveQueues(
  store: Pick<Store, 'listQueues' | 'createQueue'>,
  options: { readonly queues: readonly string[]; readonly create: boolean },
): Promise<void> {
  const known = (await store.listQueues()).map(({ name }) => name);
  for (const queue of options.queues) {
    checkQueueName(queue);
    if (known.includes(queue)) continue;
    if (!options.create) throw unknownQueue(queue, known);
    await store.createQueue(queue);
  }
}

export const unknownQueue = (queue: string, known: readonly string[]): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'unknown-queue',
    message: `there is no queue "${queue}"${didYouMean(queue, known)}`,
    help: `queues are ${known.join(', ')}; make a new one with: run-pipeline queue create ${/^[\w.-]+$/.test(queue) ? queue : 'NAME'} (or --create-queue)`,
  });
