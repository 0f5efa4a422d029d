import { isRunPipelineError, formatLocation, type ErrorRecord } from '@run-pipeline/core/model';

/** An error of the controller's own process (a callback, the body of a pipeline function) as data. */
export function errorRecord(thrown: unknown, cwd: string, depth = 0): ErrorRecord {
  if (!(thrown instanceof Error) && !isRunPipelineError(thrown)) {
    return { name: 'Error', message: `threw ${typeof thrown}: ${String(thrown)}` };
  }
  const cause =
    thrown.cause === undefined || depth >= 8 ? undefined : errorRecord(thrown.cause, cwd, depth + 1);
  const own = isRunPipelineError(thrown) ? thrown : undefined;
  const code = own?.code ?? (thrown as { readonly code?: unknown }).code;
  return {
    name: thrown.name,
    message: thrown.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(own?.at === undefined ? {} : { at: formatLocation(own.at, cwd) }),
    ...(thrown.stack === undefined ? {} : { trace: thrown.stack }),
    ...(cause === undefined ? {} : { cause }),
  };
}
