import type { Project } from '../project/project.js';
import { checkQueueName } from '../queue/index.js';
import { printableWord } from '../terminal/sanitise.js';
import type { Context } from './context.js';
import { usageError } from './usage-error.js';

/** `--queue Q --priority N`. */
export function queueOf(context: Context): { readonly queue: string; readonly priority: number } | undefined {
  const queue = context.options.text('queue');
  const text = context.options.text('priority') ?? '0';
  if (!/^-?\d{1,6}$/.test(text))
    throw usageError(`--priority takes a whole number, but got ${JSON.stringify(text)}`);
  if (queue !== undefined) return { queue: checkQueueName(queue), priority: Number(text) };
  if (context.options.has('priority')) throw usageError('--priority says nothing without --queue');
  return undefined;
}

/** A task that waits for nobody is worth a word, at once. */
export async function noAgentLines(
  context: Context,
  { store }: Project,
  queue: string,
): Promise<readonly string[]> {
  if ((await store.listAgents({ queue })).length > 0) return [];
  const name = printableWord(queue);
  return [
    `${context.style.warn('▲')} no agent serves queue ${JSON.stringify(name)}: start one with run-pipeline agent --queue ${name}`,
  ];
}
