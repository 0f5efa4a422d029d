import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** A public key in one line, as it is given to agents: `ed25519:` and its 32 bytes in base64url. */
export type PublicKeyText = `ed25519:${string}`;

export const PUBLIC_KEY = /^ed25519:([\w-]{43})$/;

export function publicKeyText(key: KeyObject): PublicKeyText {
  const { x } = key.export({ format: 'jwk' });
  return `ed25519:${x!}`;
}

/** Undefined where the text is no such key. */
export function publicKeyOf(text: string): KeyObject | undefined {
  const x = PUBLIC_KEY.exec(text)?.[1];
  if (x === undefined) return undefined;
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Short, for names of files and for people: of the key itself, so that it cannot name another one. */
export const keyId = (text: PublicKeyText): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 32);
