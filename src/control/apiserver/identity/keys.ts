// New secrets: keys and tokens.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

export interface KeyPair {
  /** PEM. */
  cert: string;
  /** PKCS 8, PEM. */
  key: string;
}

/** A new EC key on P-256, as PKCS 8 PEM. */
export const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export const newToken = (): string => randomBytes(32).toString('base64url');
