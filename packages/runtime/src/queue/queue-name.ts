import { RunPipelineError } from '@run-pipeline/core/model';

const LONGEST = 200;

/** A queue's name is data, never a path (INVARIANTS 20); this keeps out what nobody could type or see. */
export function checkQueueName(name: string): string {
  const wrong =
    name.trim() === ''
      ? 'it is empty'
      : name.length > LONGEST
        ? `it is longer than ${LONGEST} characters`
        : name !== name.trim() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)
          ? 'it begins or ends with a space, or holds characters that cannot be seen'
          : undefined;
  if (wrong === undefined) return name;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'queue-name',
    message: `${JSON.stringify(name)} cannot be the name of a queue: ${wrong}`,
  });
}
