import { generateKeyPairSync } from 'node:crypto';
import { keyId, publicKeyText, type PublicKeyText } from './public-key.js';

export interface KeyPair {
  /** PKCS #8. */
  readonly privatePem: string;
  readonly publicKey: PublicKeyText;
  readonly id: string;
}

export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const text = publicKeyText(publicKey);
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: text,
    id: keyId(text),
  };
}
