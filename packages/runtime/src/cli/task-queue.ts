import type { Resources, TaskRecord } from '@run-pipeline/core/model';
import type { QueuePlace } from '@run-pipeline/core/ports';
import type { Project } from '../project/project.js';
import { checkQueueName, idleReasons, parseResources, QueueStates } from '../queue/index.js';
import { printable } from '../terminal/sanitise.js';
import type { Context } from './context.js';
import type { OptionValues } from './parse.js';
import { usageError } from './usage-error.js';
import { asTyped } from '../project/as-typed.js';

/** `--queue Q --priority N --resources gpu=1`. */
export function queueOf({ options }: Context): QueuePlace | undefined {
  const queue = options.text('queue');
  if (queue !== undefined) return placeIn(options, queue);
  const idle = ['priority', 'resources'].find((name) => options.has(name));
  if (idle !== undefined) throw usageError(`--${idle} says nothing without --queue`);
  return undefined;
}

/** Without `--resources` a task needs what it needed when it was enqueued last. */
export function placeIn(options: OptionValues, queue: string): QueuePlace {
  return {
    queue: checkQueueName(queue),
    priority: options.number('priority') ?? 0,
    ...(options.has('resources') && { resources: resourcesOf(options) }),
  };
}

/** All that is given, later ones over earlier ones; `none` takes back what was before it. */
export function resourcesOf(options: OptionValues): Resources {
  let resources: Resources = {};
  for (const text of options.texts('resources'))
    resources = text === 'none' ? {} : { ...resources, ...parseResources(text) };
  return resources;
}

/** A task that waits for nobody is worth a word, at once. */
export async function idleLines(
  { style }: Context,
  { store }: Project,
  { queue, resources }: Pick<TaskRecord, 'queue' | 'resources'>,
): Promise<readonly string[]> {
  if (queue === undefined) return [];
  const state = (await QueueStates.read(store)).of(queue, resources);
  return idleReasons(queue, resources, state).map(
    (reason) => `${style.warn('▲')} ${printable(asTyped(reason))}`,
  );
}
