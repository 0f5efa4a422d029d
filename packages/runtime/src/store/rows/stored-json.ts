import { RunPipelineError } from '@run-pipeline/core/model';

/**
 * A row's text as what was written there. That it is none, or half of one, is nothing that we do: whoever reads it is
 * told that the store was changed, and where.
 *
 * @param what For the message: `an event`, `the state of a task`.
 */
export function storedJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(what, cause);
  }
}

const damaged = (what: string, cause: unknown): RunPipelineError =>
  new RunPipelineError({
    kind: 'store',
    code: 'store-damaged',
    message: `the store is damaged: ${what} in it cannot be read (${(cause as Error).message})`,
    help: 'Something else than run-pipeline has changed its rows: restore them from a backup. What does not need them works on.',
    cause,
  });
