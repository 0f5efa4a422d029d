/**
 * Who made the code that an agent executes: Ed25519 signatures over the hashes of packages and of
 * controllers. Whoever makes them has the private key, agents have the public ones.
 */
export { newKeyPair, type KeyPair } from './key-pair.js';
export { readSigner, type Signer } from './signer.js';
export { readTrust, type Trust } from './trust.js';
export type { Signature, SignedKind } from './signed-words.js';
