import { isRunPipelineError, RunPipelineError, type ErrorKind } from '@run-pipeline/core/model';
import type { PortableError } from './recorder-protocol.js';

export function toPortable(error: unknown): PortableError {
  const own = isRunPipelineError(error) ? error : undefined;
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return {
    own: own !== undefined,
    kind: own?.kind ?? '',
    code: own?.code ?? '',
    name,
    message,
    help: own?.help,
    stack,
  };
}

export function fromPortable({ own, kind, code, name, message, help, stack }: PortableError): Error {
  const error = own
    ? new RunPipelineError({ kind: kind as ErrorKind, code, message, help })
    : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}
