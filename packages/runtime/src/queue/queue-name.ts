import { queueNameProblem, RunPipelineError } from '@run-pipeline/core/model';

/** What somebody typed (INVARIANTS 20). */
export function checkQueueName(name: string): string {
  const wrong = queueNameProblem(name);
  if (wrong === undefined) return name;
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'queue-name',
    message: `${JSON.stringify(shown)} cannot be the name of a queue: ${wrong}`,
  });
}
