import { deserialize, serialize } from 'node:v8';
import type {
  Digest,
  Isolation,
  RunId,
  StepName,
  TaskConfigurations,
  TaskId,
  TaskParameters,
  TaskType,
} from '@run-pipeline/core/model';
import type { ArgumentValues, InputValue, TaskOutcome } from '../workers/protocol.js';

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

/** What the follower of an attempt has to know beside its status and artifacts. */
export interface EndingDocument {
  readonly version: 1;
  readonly outcome: TaskOutcome;
  /** Milliseconds from start to end, by the executing process. */
  readonly durationMs: number;
}

export const encodeSpec = (spec: TaskSpec): Uint8Array => serialize(spec);
export const decodeSpec = (bytes: Uint8Array): TaskSpec => deserialize(bytes) as TaskSpec;
export const encodeEnding = (ending: EndingDocument): Uint8Array => serialize(ending);
export const decodeEnding = (bytes: Uint8Array): EndingDocument => deserialize(bytes) as EndingDocument;
