import type { WireError } from '@run-pipeline/core/wire';
import { isRunPipelineError, type ErrorKind } from '@run-pipeline/core/model';
import { asTypedAnywhere } from '../project/as-typed.js';

/** A request that is answered with an error: what, and what next. Its text is shown as it is. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: RefusalStatus;
  readonly code: string;
  readonly help: string | undefined;

  constructor(status: RefusalStatus, code: string, message: string, help?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.help = help;
  }
}

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 416 | 421 | 500 | 503;

export const badRequest = (message: string): Refusal => new Refusal(400, 'bad-request', message);

export const unknownRun = (): Refusal =>
  new Refusal(404, 'unknown-run', 'there is no such run', 'It may have been removed by run-pipeline gc.');

const STATUS_OF: Readonly<Record<ErrorKind, RefusalStatus>> = {
  usage: 409,
  definition: 409,
  load: 409,
  run: 409,
  artifact: 404,
  store: 503,
};

/** Any error as status and body. What is not expected says nothing of the inside: it goes to `onBug`. */
export function refusalOf(
  error: unknown,
  onBug: (error: unknown) => void,
): { readonly status: RefusalStatus; readonly body: WireError } {
  if (error instanceof Refusal) return answer(error.status, error.code, error.message, error.help);
  if (isRunPipelineError(error)) {
    const status = error.code.startsWith('unknown-') ? 404 : STATUS_OF[error.kind];
    return answer(status, error.code, error.message, error.help);
  }
  // Nobody waits for the answer any more.
  if (error instanceof Error && error.name === 'AbortError') return answer(503, 'aborted', 'it was given up');
  onBug(error);
  return answer(500, 'server-failed', 'the server failed to answer; its terminal says why');
}

function answer(
  status: RefusalStatus,
  code: string,
  message: string,
  help: string | undefined = undefined,
): { readonly status: RefusalStatus; readonly body: WireError } {
  const told = help === undefined ? {} : { help: asTypedAnywhere(help) };
  return { status, body: { error: { code, message: asTypedAnywhere(message), ...told } } };
}
