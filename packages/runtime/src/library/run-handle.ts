import type { Run } from '@run-pipeline/core/define';
import type { ErrorRecord, RunId } from '@run-pipeline/core/model';
import type { RunView } from '@run-pipeline/core/run-view';
import type { RunResult } from '../engine/api.js';
import { readArtifact } from '../engine/query/read-artifact.js';
import type { Project } from '../project/project.js';

/** The `Run` that `run(…)` and `pipe.start()` give: what happened, and the values. */
export function runHandle(options: {
  readonly result: RunResult;
  readonly view: RunView;
  /** Opens the project again for `get`, after the run has closed it. */
  readonly openProject: () => Promise<Project>;
}): Run {
  const { result, view } = options;
  const steps: Record<string, Run['steps'][string]> = Object.create(null) as Record<string, never>;
  for (const step of view.steps.values()) {
    steps[step.name] = {
      status: step.status,
      attempts: step.attempts,
      ...(step.error === undefined ? {} : { error: toError(step.error) }),
    };
  }
  return {
    id: result.id,
    number: result.number,
    status: result.status,
    steps,
    async get<T>(reference: string): Promise<T> {
      const project = await options.openProject();
      try {
        return (await readArtifact(project, result.id as RunId, reference)) as T;
      } finally {
        await project.close();
      }
    },
  };
}

/** An error as the step threw it, as far as it could be recorded. */
export function toError(record: ErrorRecord): Error {
  const cause = record.cause === undefined ? undefined : { cause: toError(record.cause) };
  const error = new Error(record.message, cause);
  error.name = record.name;
  if (record.trace !== undefined || record.stack !== undefined) {
    error.stack = record.trace ?? `${record.name}: ${record.message}\n${record.stack ?? ''}`;
  }
  return record.code === undefined ? error : Object.assign(error, { code: record.code });
}
