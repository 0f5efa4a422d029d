import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { keyId, publicKeyText, type PublicKeyText } from './public-key.js';
import { signedWords, type Signature, type SignedKind } from './signed-words.js';

/** Who makes packages, and vouches for them. The key itself cannot be had from it. */
export interface Signer {
  readonly publicKey: PublicKeyText;
  readonly id: string;
  sign(kind: SignedKind, hash: Digest): Signature;
}

/** A key file that others may read is refused: who has it can have agents execute anything. */
const READABLE_BY_OTHERS = 0o044;

/**
 * The key of RUN_PIPELINE_SIGNING_KEY: a PEM, or the path of one. Undefined: nothing is signed.
 *
 * @throws RunPipelineError of kind `usage`, code `signing-key`.
 */
export function readSigner(env: Readonly<Record<string, string | undefined>>): Signer | undefined {
  const setting = env[VARIABLE]?.trim();
  if (setting === undefined || setting === '') return undefined;
  const privateKey = parse(
    setting.startsWith('-----') ? setting.replaceAll(String.raw`\n`, '\n') : read(setting),
  );
  const publicKey = publicKeyText(createPublicKey(privateKey));
  const id = keyId(publicKey);
  return {
    publicKey,
    id,
    sign: (kind, hash) => ({ key: id, signature: sign(null, signedWords(kind, hash), privateKey) }),
  };
}

const VARIABLE = 'RUN_PIPELINE_SIGNING_KEY';

function read(path: string): string {
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // A key without its first line must not be repeated as a path that is not there.
    const shown = /^[\w+/=\s-]{40,}$/.test(path) || path.includes('\n') ? 'it' : path;
    throw wrongKey(`${shown} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  if (process.platform !== 'win32' && (mode & READABLE_BY_OTHERS) !== 0)
    throw wrongKey(`${path} can be read by others`, `chmod 600 ${path}`);
  return text;
}

function parse(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw wrongKey('it is no private key in PEM form without a password');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw wrongKey(`it is a key of type ${key.asymmetricKeyType ?? 'unknown'}, not Ed25519`);
  return key;
}

const wrongKey = (
  problem: string,
  help = 'it takes a PEM, or the path of one: run-pipeline keys new makes a pair',
): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'signing-key',
    message: `${VARIABLE} cannot be used: ${problem}`,
    help,
  });
