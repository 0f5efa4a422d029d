import { deserialize, serialize } from 'node:v8';
import type {
  Digest,
  ErrorRecord,
  Isolation,
  RunId,
  StepName,
  TaskConfigurations,
  TaskId,
  TaskParameters,
  TaskType,
} from '@run-pipeline/core/model';
import type { TaskEnding } from '@run-pipeline/core/ports';
import type { ArgumentValues, InputValue, TaskOutcome } from '../../workers/protocol.js';
import { portableThrown, reviveThrown } from '../../workers/thrown.js';

/**
 * What an agent needs to execute a step that it knows nothing of: the package by its hash, the encoded
 * arguments, and names (never values) of what it has to find in its own environment.
 */
export interface TaskSpec {
  readonly version: 1;
  readonly task: TaskId;
  readonly run: RunId;
  readonly step: StepName;
  readonly pipeline: string;
  readonly project: string;
  readonly package: Digest;
  readonly arguments: ArgumentValues;
  /** `@Parameter` values of a class step. */
  readonly parameters: readonly (readonly [string, InputValue])[];
  readonly returns: readonly string[] | undefined;
  /** Of a step from a template. */
  readonly script: TaskSpecScript | undefined;
  readonly isolation: Isolation;
  /** What of Node.js entered the fingerprint (`platformOf`): with another one the result is not that one's. */
  readonly platform: string;
  /** Milliseconds of one execution. */
  readonly timeout: number | undefined;
  /** Variables that entered the fingerprint (declared, or read by the code): `environmentHash` of their value or absence. */
  readonly env: readonly { readonly name: string; readonly hmac: string }[];
  readonly secrets: readonly string[];
}
export interface TaskSpecScript {
  readonly name: string;
  readonly project: string;
  readonly type: TaskType;
  readonly tags: readonly string[];
  readonly parameters: TaskParameters;
  readonly configurations: TaskConfigurations;
}

/** What the follower of an attempt has to know beside its status: the outcome with all that is in it. */
export interface EndingDocument {
  readonly version: 1;
  readonly outcome: TaskOutcome;
  /** Milliseconds from start to end, by the executing process. */
  readonly durationMs: number;
}

export const encodeSpec = (spec: TaskSpec): Uint8Array => serialize(spec);
export const decodeSpec = (bytes: Uint8Array): TaskSpec => deserialize(bytes) as TaskSpec;
/** What a step threw is kept as `retry.when` has to see it; cloned as it is, it would lose name and properties. */
export function encodeEnding(ending: EndingDocument): Uint8Array {
  const { outcome } = ending;
  if (outcome.status !== 'failed' || outcome.thrown === undefined) return serialize(ending);
  return serialize({ ...ending, outcome: { ...outcome, thrown: portableThrown(outcome.thrown) } });
}
export function decodeEnding(bytes: Uint8Array): EndingDocument {
  const ending = deserialize(bytes) as EndingDocument;
  const { outcome } = ending;
  if (outcome.status !== 'failed' || outcome.thrown === undefined) return ending;
  return { ...ending, outcome: { ...outcome, thrown: reviveThrown(outcome.thrown) } };
}

/** What became of an attempt on an agent, in the words of a worker. */
export function outcomeOfEnding(ending: Pick<TaskEnding, 'status' | 'error' | 'document'>): {
  readonly outcome: TaskOutcome;
  /** Undefined where nobody was left to measure it. */
  readonly durationMs: number | undefined;
} {
  if (ending.document !== undefined) {
    const decoded = documentOf(ending.document);
    if (decoded?.outcome.status === ending.status) return decoded;
  } else if (ending.status === 'failed' && ending.error !== undefined) {
    return { outcome: { status: 'failed', error: ending.error }, durationMs: undefined };
  } else if (ending.status === 'aborted') {
    // The store ended it: it was aborted in its queue, or asked to stop and its agent was gone.
    const { error } = ending;
    const reason = error?.code === 'timeout' ? 'timeout' : 'stopped';
    return {
      outcome: { status: 'aborted', reason, ...(error === undefined ? {} : { error }) },
      durationMs: undefined,
    };
  }
  const error: ErrorRecord = {
    name: 'RunPipelineError',
    code: 'agent-mismatch',
    message:
      'its agent left an outcome that this version does not understand: run the same version of run-pipeline on both sides',
  };
  return { outcome: { status: 'failed', error }, durationMs: undefined };
}

function documentOf(document: Uint8Array): EndingDocument | undefined {
  try {
    const ending = decodeEnding(document);
    return ending.version === 1 ? ending : undefined;
  } catch {
    return undefined;
  }
}
