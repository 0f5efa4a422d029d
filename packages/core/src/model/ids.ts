/**
 * Branded identifiers. A brand makes two strings that mean different things different types;
 * the functions here are the only doors through which a plain string becomes one.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** One execution of a pipeline. Time-ordered, safe as a file name. */
export type RunId = Brand<string, 'RunId'>;
/** One unit of execution: a step of a run (its attempts share the id), or a task of its own. */
export type TaskId = Brand<string, 'TaskId'>;
/** The name of a node of the graph: `train`, `train_1`, `score[0]`. */
export type StepName = Brand<string, 'StepName'>;
/** A content hash: `sha256:` and 64 hexadecimal digits. */
export type Digest = Brand<string, 'Digest'>;
/** The cache key of a step: a digest of everything that can change its result. */
export type Fingerprint = Brand<string, 'Fingerprint'>;

export const runId = (text: string): RunId => text as RunId;
export const taskId = (text: string): TaskId => text as TaskId;
export const stepName = (text: string): StepName => text as StepName;
export const fingerprint = (text: string): Fingerprint => text as Fingerprint;

export function digest(text: string): Digest {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new TypeError(`not a digest: ${text.slice(0, 80)}`);
  return text as Digest;
}

/** The url under which an artifact of this content is known everywhere: `artifact://sha256/<hex>`. */
export const artifactUrl = (hash: Digest): string => `artifact://sha256/${hash.slice('sha256:'.length)}`;
