import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { sha256 } from '../../artifacts/sha256.js';
import type { SourceBundle } from '../../discover/discovery.js';

export interface SharedValue {
  readonly hash: Digest;
  readonly bytes: Uint8Array;
}

export function jsonValue(value: unknown): SharedValue {
  const bytes = Buffer.from(JSON.stringify(value));
  return { hash: sha256(bytes), bytes };
}

/**
 * The code of a controller as a run or a draft keeps it: the user's file as it was evaluated, with all that
 * decides what its imports stand for. Its hash is the one digest of that code, in both.
 */
export function controllerCode(bundle: SourceBundle): SharedValue {
  const { code, map, externals, modules, variables, portable } = bundle;
  return jsonValue({ code, map, externals, modules, variables, portable });
}

/** What a value was kept under says what it has to be (INVARIANTS 22): checked before anything is made of it. */
export function requireUndamaged(bytes: Uint8Array, hash: Digest, what: string): void {
  if (sha256(bytes) === hash) return;
  throw new RunPipelineError({
    kind: 'store',
    code: 'launch-damaged',
    message: `${what} is damaged in the store: its content is not what it was kept as (${hash})`,
    help: 'Start the pipeline again from its file.',
  });
}
