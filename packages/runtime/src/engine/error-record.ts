import {
  isRunPipelineError,
  formatLocation,
  type ErrorRecord,
  type StepDefinition,
} from '@run-pipeline/core/model';
import { mapToSource } from '../discover/map-to-source.js';
import { codeFrame } from '../source/code-frame.js';
import { userStack } from '../source/user-stack.js';

/** An error of the controller's own process (a callback, the body of a pipeline function) as data. */
export function errorRecord(thrown: unknown, cwd: string, depth = 0): ErrorRecord {
  try {
    return recordOf(thrown, cwd, depth);
  } catch {
    // A getter of the user's that throws must not replace the failure.
    return { name: 'Error', message: `threw a value of type ${typeof thrown} that cannot be read` };
  }
}

function recordOf(thrown: unknown, cwd: string, depth: number): ErrorRecord {
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
    ...(own === undefined
      ? placeOf(thrown, cwd)
      : own.at === undefined
        ? {}
        : { at: formatLocation(own.at, cwd) }),
    ...(thrown.stack === undefined ? {} : { trace: thrown.stack }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** Where in the user's file it was thrown. */
function placeOf(error: Error, cwd: string): Pick<ErrorRecord, 'at' | 'frame' | 'stack'> {
  const { at, text } = userStack(error, { map: mapToSource, from: cwd });
  if (at === undefined) return {};
  const source = mapToSource.textOf?.(at.file);
  const frame = codeFrame(at, source === undefined ? {} : { source });
  return { at: formatLocation(at, cwd), ...(frame === undefined ? {} : { frame }), stack: text };
}

/** What no line of the user's threw (a timeout, a return that cannot be stored) is told at the step's declaration. */
export function placedAtStep(error: ErrorRecord, step: StepDefinition, cwd: string): ErrorRecord {
  if (error.at !== undefined || step.source === undefined) return error;
  return { ...error, at: formatLocation(step.source, cwd) };
}
