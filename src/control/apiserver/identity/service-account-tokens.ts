// Tokens of service accounts: ES256 JWTs signed with the cluster's own key, and the public half of that key.
// Claims: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import type { User } from './authenticate.ts';

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
  /** PKCS 8, PEM; an EC key on P-256. */
  privateKeyPem: string;
  issuer: string;
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

export function createTokenIssuer({ privateKeyPem, issuer, now, exists }: TokenIssuerOptions): TokenIssuer {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKeyPem);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const kid = createHash('sha256').update(der).digest('base64url');

  async function verify(token: string, audiences: readonly string[] = [issuer]): Promise<VerifiedToken | undefined> {
    const { jwtVerify } = await loadJose();
    try {
      const { payload } = await jwtVerify(token, publicKey, { issuer, audience: [...audiences], currentDate: now() });
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
    keys: () => ({ keys: [{ use: 'sig', kid, alg: 'ES256', ...publicKey.export({ format: 'jwk' }) }] }),
    async issue({ namespace, name, uid, audiences, expirationSeconds, pod, node }) {
      const { SignJWT } = await loadJose();
      const issuedAt = Math.floor(now().getTime() / 1000);
      const expires = issuedAt + expirationSeconds;
      const claims: KubernetesClaims = { namespace, serviceaccount: { name, uid }, ...(pod && { pod }), ...(node && { node }) };
      const token = await new SignJWT({ 'kubernetes.io': claims })
        .setProtectedHeader({ alg: 'ES256', kid })
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
