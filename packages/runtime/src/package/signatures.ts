import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RunPipelineError, type TaskPackage } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import type { PackagePlace } from '../project/project.js';
import type { Signature } from '../signing/index.js';
import { packageDirectory } from './package-file.js';

/*
 * Signatures lie beside the packages, one file a key: a package is the same whoever vouches for it, and several
 * may. Only who made a package from its source signs it, never who found it somewhere: a signature says "I made
 * this", and agents rely on it.
 */

type Hash = TaskPackage['hash'];

/** A key's id is hexadecimal: safe as a name. */
const signatureFile = (place: PackagePlace, hash: Hash, key: string): string =>
  `${packageDirectory(place, hash)}.${key}.sig`;

/** Of packages that were just made, or are known to have been made, here from their source. */
export function signPackages(place: PackagePlace, hashes: Iterable<Hash>): void {
  const { signer } = place.signing;
  if (signer === undefined) return;
  for (const hash of hashes) {
    const file = signatureFile(place, hash, signer.id);
    if (!existsSync(file)) keep(file, signer.sign('package', hash).signature);
  }
}

/** For other machines: the signature that was made here. `again`: the package itself was written anew. */
export async function publishSignature(
  place: PackagePlace,
  packages: PackageStore,
  { hash, again }: { readonly hash: Hash; readonly again: boolean },
): Promise<void> {
  const { signer } = place.signing;
  const signature = signer === undefined ? undefined : read(signatureFile(place, hash, signer.id));
  if (signer === undefined || signature === undefined) return;
  if (again || (await packages.readSignature(hash, signer.id)) === undefined)
    await packages.writeSignature(hash, signer.id, signature);
}

/**
 * @param options.what Whose code it is, for the message: `step train`.
 * @throws RunPipelineError `package-unsigned`: signatures are required here, and it has none that counts.
 */
export async function requireSignature(
  place: PackagePlace,
  { hash, what }: { readonly hash: Hash; readonly what: string },
): Promise<void> {
  const { trust } = place.signing;
  if (trust === undefined) return;
  const isSigned = (signature: Signature): boolean => trust.isSigned('package', hash, [signature]);
  let found = false;
  for (const key of trust.keys) {
    const file = signatureFile(place, hash, key);
    const here = read(file);
    if (here !== undefined && isSigned({ key, signature: here })) return;
    const shared = await place.packages?.readSignature(hash, key);
    if (shared !== undefined && isSigned({ key, signature: shared })) return keep(file, shared);
    found ||= here !== undefined || shared !== undefined;
  }
  throw new RunPipelineError({
    kind: 'run',
    code: 'package-unsigned',
    message: found
      ? `the signature of the package of ${what} (${hash}) is wrong: it was not made by the key that it names, or for this package. It is not executed`
      : `the package of ${what} (${hash}) is not signed by a key that is trusted here: it is not executed`,
    help: found
      ? 'somebody who can write to the store of packages has changed it: find out who before anything else'
      : 'start it where RUN_PIPELINE_SIGNING_KEY is a private key whose public key is among RUN_PIPELINE_TRUSTED_KEYS of this agent',
  });
}

/** Whole or not there. */
function keep(file: string, signature: Uint8Array): void {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(temporary, signature);
  renameSync(temporary, file);
}

function read(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // nobody has signed it, or it cannot be read: then it does not count
  }
}
