import type { Digest } from '@run-pipeline/core/model';

/** What is signed: the code of a step or script, or the file of a pipeline, whose controller an agent executes. */
export type SignedKind = 'package' | 'controller';

/** `key`: the id of the public key. */
export interface Signature {
  readonly key: string;
  readonly signature: Uint8Array;
}

/** Kind and version stand in front: a signature over one thing is none over another. */
export const signedWords = (kind: SignedKind, hash: Digest): Buffer =>
  Buffer.from(`run-pipeline signature 1\n${kind}\n${hash}\n`);
