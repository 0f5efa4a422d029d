import { statSync } from 'node:fs';
import { RunPipelineError } from '@run-pipeline/core/model';

/**
 * The directory of the state that an agent serves. Removed (`rm -rf .run-pipeline`) or replaced, the open
 * files of the old one would still answer: the agent would serve for ever what nobody else can see.
 */
export class ServedState {
  readonly #home: string;
  readonly #was: string;

  constructor(home: string) {
    this.#home = home;
    this.#was = identityOf(home);
  }

  /** @throws RunPipelineError `state-gone` when it is not the one of the start any more. */
  assertThere(): void {
    const now = identityOf(this.#home);
    if (now === this.#was || now === UNKNOWN) return;
    throw new RunPipelineError({
      kind: 'store',
      code: 'state-gone',
      message: `the state that this agent served, ${this.#home}, was removed or replaced`,
      help: 'start the agent again: it serves what is there now',
    });
  }
}

/** The system cannot tell right now; reads and writes will. */
const UNKNOWN = 'unknown';

function identityOf(directory: string): string {
  try {
    const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.dev} ${found.ino}`;
  } catch {
    return UNKNOWN;
  }
}
