// Tokens of service accounts: JWTs signed with the cluster's own key (EC or RSA), and the public halves of all keys that count.
// Claims: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import type { User } from './user.ts';

export interface TokenWish {
  namespace: string;
  name: string;
  uid: string;
  audiences: readonly string[];
  expirationSeconds: number;
  /** Also named in the token: it ends with them. */
  pod?: { name: string; uid: string };
  node?: { name: string; uid: string };
}

export interface VerifiedToken {
  user: User;
  audiences: string[];
}

export interface TokenIssuer {
  readonly issuer: string;
  issue(wish: TokenWish): Promise<{ token: string; expires: Date }>;
  /** undefined: not ours, not valid any more, or for nobody who still exists. */
  verify(token: string, audiences?: readonly string[]): Promise<VerifiedToken | undefined>;
  /** The public keys, as /openid/v1/jwks prints them. */
  keys(): { keys: object[] };
}

export interface TokenIssuerOptions {
  /** PEM; EC or RSA. */
  privateKeyPem: string;
  /** Public keys or certificates (PEM) whose tokens count too: of other servers, or from before the key was changed. */
  alsoTrusted?: readonly string[];
  issuer: string;
  /** Their tokens count too. */
  formerIssuers?: readonly string[];
  now: () => Date;
  exists(account: { namespace: string; name: string; uid: string }): boolean;
}

interface KubernetesClaims {
  namespace: string;
  serviceaccount: { name: string; uid: string };
  pod?: { name: string; uid: string };
  node?: { name: string; uid: string };
}

// Loaded at the first token: it costs 50 ms that starting does not need.
const loadJose = () => import('jose');

interface TrustedKey {
  key: KeyObject;
  kid: string;
  alg: string;
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/** Throws where the key is of a sort that signs no tokens. */
function trustedKey(pem: string): TrustedKey {
  const key = createPublicKey(pem);
  const { namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : curves[namedCurve];
  if (!alg) throw new Error(`service-account keys are RSA or EC (P-256, P-384, P-521), not ${key.asymmetricKeyType} ${namedCurve}`);
  const kid = createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64url');
  return { key, kid, alg };
}

export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { privateKeyPem, alsoTrusted = [], issuer, formerIssuers = [], now, exists } = options;
  const privateKey = createPrivateKey(privateKeyPem);
  const own = trustedKey(privateKeyPem);
  const trusted = new Map([own, ...alsoTrusted.map(trustedKey)].map((each) => [each.kid, each]));
  /** Tokens of others may name no key, or name it in their own way: then the only key of that sort is meant. */
  const keyFor = ({ kid, alg }: { kid?: string; alg?: string }) => (trusted.get(kid ?? '') ?? [...trusted.values()].find((each) => each.alg === alg) ?? own).key;

  async function verify(token: string, audiences: readonly string[] = [issuer]): Promise<VerifiedToken | undefined> {
    const { jwtVerify } = await loadJose();
    try {
      const { payload } = await jwtVerify(token, keyFor, { issuer: [issuer, ...formerIssuers], audience: [...audiences], currentDate: now() });
      const claims = payload['kubernetes.io'] as KubernetesClaims;
      const { namespace, serviceaccount } = claims;
      if (!exists({ namespace, ...serviceaccount })) return undefined;
      return { user: accountUser(claims, payload.jti), audiences: [payload.aud ?? []].flat().filter((a) => audiences.includes(a)) };
    } catch {
      // Every way a token can be wrong means the same to the caller: nobody vouches for this client.
      return undefined;
    }
  }

  return {
    issuer,
    verify,
    keys: () => ({ keys: [...trusted.values()].map(({ key, kid, alg }) => ({ use: 'sig', kid, alg, ...key.export({ format: 'jwk' }) })) }),
    async issue({ namespace, name, uid, audiences, expirationSeconds, pod, node }) {
      const { SignJWT } = await loadJose();
      const issuedAt = Math.floor(now().getTime() / 1000);
      const expires = issuedAt + expirationSeconds;
      const claims: KubernetesClaims = { namespace, serviceaccount: { name, uid }, ...(pod && { pod }), ...(node && { node }) };
      const token = await new SignJWT({ 'kubernetes.io': claims })
        .setProtectedHeader({ alg: own.alg, kid: own.kid })
        .setIssuer(issuer)
        .setAudience(audiences.length > 0 ? [...audiences] : [issuer])
        .setSubject(`system:serviceaccount:${namespace}:${name}`)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(expires)
        .setJti(randomUUID())
        .sign(privateKey);
      return { token, expires: new Date(expires * 1000) };
    },
  };
}

function accountUser({ namespace, serviceaccount, pod }: KubernetesClaims, jti: string | undefined): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  const extra = {
    ...(jti && { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }),
    ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
  };
  return { name: `system:serviceaccount:${namespace}:${serviceaccount.name}`, uid: serviceaccount.uid, groups, extra };
}
