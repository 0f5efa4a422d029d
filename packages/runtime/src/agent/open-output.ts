import { AttemptOutput } from '../engine/attempt/attempt-output.js';
import type { AgentContext } from './agent-context.js';
import type { HeldAttempt } from './held-attempt.js';

/** The way of what an attempt says into the store. Refused there, the attempt is lost. */
export function openOutput({ project }: Pick<AgentContext, 'project'>, held: HeldAttempt): AttemptOutput {
  const output = new AttemptOutput({
    store: project.store,
    blobs: project.blobs,
    task: held.task,
    fence: held.fence,
    onLost: () => {
      if (output.lost) held.lose('what it printed was refused: its lease had run out');
      else held.stopWith({ reason: 'stopped', message: 'what it printed could not be stored' });
    },
  });
  return output;
}
