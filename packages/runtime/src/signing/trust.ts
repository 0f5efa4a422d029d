import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { keyId, publicKeyOf, publicKeyText } from './public-key.js';
import { signedWords, type Signature, type SignedKind } from './signed-words.js';

/** Whose code is executed. */
export interface Trust {
  /** Ids of the keys. */
  readonly keys: readonly string[];
  /** Whether one of the signatures is right, and by a trusted key. */
  isSigned(kind: SignedKind, hash: Digest, signatures: readonly Signature[]): boolean;
}

/**
 * The keys of RUN_PIPELINE_TRUSTED_KEYS, where RUN_PIPELINE_REQUIRE_SIGNATURE says that only signed code is
 * executed. Undefined: anything is.
 *
 * @throws RunPipelineError of kind `usage`: it is required, and there are no keys, or one is wrong.
 */
export function readTrust(env: Readonly<Record<string, string | undefined>>): Trust | undefined {
  const required = env[REQUIRE]?.trim() ?? '';
  if (required === '' || required === '0' || required === 'false') return undefined;
  const keys = new Map<string, KeyObject>();
  for (const text of textsOf(env[KEYS] ?? '')) {
    const key = keyOf(text);
    keys.set(keyId(publicKeyText(key)), key);
  }
  if (keys.size === 0)
    throw new RunPipelineError({
      kind: 'usage',
      code: 'trusted-keys',
      message: `signatures are required, and ${KEYS} names nobody whose signature counts`,
      help: `set ${KEYS}=ed25519:… to the public keys (run-pipeline keys show prints one), separated by commas`,
    });
  return {
    keys: [...keys.keys()],
    isSigned: (kind, hash, signatures) =>
      signatures.some(({ key: id, signature }) => {
        const key = keys.get(id);
        return key !== undefined && verify(null, signedWords(kind, hash), key, signature);
      }),
  };
}

const REQUIRE = 'RUN_PIPELINE_REQUIRE_SIGNATURE';
const KEYS = 'RUN_PIPELINE_TRUSTED_KEYS';

/** Keys in one line, PEMs, and paths of files of these, separated by commas or white space. */
function textsOf(setting: string): readonly string[] {
  refusePrivate(setting, 'it');
  const pems = setting.match(PEM) ?? [];
  const rest = setting
    .replace(PEM, ' ')
    .split(/[\s,]+/)
    .filter((text) => text !== '');
  const lines = rest.flatMap((text) => (text.includes(':') ? [text] : fileOf(text)));
  return [...pems, ...lines];
}

const PEM = /-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g;

/** Whoever has that one can sign: an agent that executes what is signed must not. */
function refusePrivate(text: string, what: string): void {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    throw wrongKey(
      `${what} is a private key, which agents must not have; they take the public one of the pair`,
    );
}

function fileOf(path: string): readonly string[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrongKey(
      `${path} is neither a key nor a file that can be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
  refusePrivate(content, path);
  const lines = content.replace(PEM, ' ').split('\n');
  // As in authorized_keys: whose key it is may stand behind it.
  const keys = lines.map((line) => line.replace(/#.*$/, '').trim()).filter((line) => line !== '');
  return [...(content.match(PEM) ?? []), ...keys.map((line) => line.split(/\s+/)[0]!)];
}

function keyOf(text: string): KeyObject {
  const inOneLine = publicKeyOf(text);
  if (inOneLine !== undefined) return inOneLine;
  try {
    const key = createPublicKey(text);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // said below
  }
  // Never repeated as a whole: it may be the private one, by mistake.
  const shown = text.startsWith('ed25519:') || text.length > 30 ? `${text.slice(0, 12)}…` : text;
  throw wrongKey(`${shown} is no public key of Ed25519`);
}

const wrongKey = (problem: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'trusted-keys',
    message: `${KEYS} cannot be used: ${problem}`,
    help: 'it takes keys as run-pipeline keys show prints them (ed25519:…), or the paths of files of such keys, separated by commas',
  });
