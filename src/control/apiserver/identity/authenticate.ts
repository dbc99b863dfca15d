// Who sends a request: a client certificate signed by the cluster's CA (CN = user, O = groups), a bearer token,
// or nobody. A credential that is given but wrong is refused even where nobody would be let in.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { unauthorizedError } from '../../../kube/meaning/api-error.ts';
import type { TokenIssuer } from './service-account-tokens.ts';
import { anonymous, type User } from './user.ts';

export interface StaticToken {
  token: string;
  user: User;
}

export type Authenticate = (socket: TLSSocket, headers: IncomingHttpHeaders) => Promise<User>;

const authenticated = 'system:authenticated';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Throws ApiError 401. */
export function createAuthenticator(staticTokens: readonly StaticToken[], issuer: TokenIssuer, refusesAnonymous = false): Authenticate {
  const known = staticTokens.map(({ token, user }) => ({ hash: digest(token), user: withGroup(user) }));
  return async (socket, headers) => {
    const certified = certifiedUser(socket);
    if (certified) return certified;
    const { authorization } = headers;
    if (!authorization && refusesAnonymous) throw unauthorizedError();
    if (!authorization) return anonymous;
    const token = /^bearer\s+(\S+)\s*$/i.exec(authorization)?.[1];
    if (!token) throw unauthorizedError();
    const hash = digest(token);
    const user = known.find((entry) => timingSafeEqual(entry.hash, hash))?.user ?? (await issuer.verify(token))?.user;
    if (!user) throw unauthorizedError();
    return user;
  };
}

const withGroup = (user: User): User => ({ ...user, groups: [...new Set([...user.groups, authenticated])] });

/** One socket, one certificate: read once. */
const certified = new WeakMap<TLSSocket, User | 'none'>();

function certifiedUser(socket: TLSSocket): User | undefined {
  let user = certified.get(socket);
  if (user === undefined) certified.set(socket, (user = readCertificate(socket)));
  return user === 'none' ? undefined : user;
}

/** Throws ApiError 401 for a certificate that the cluster's CA did not sign or that has ended. */
function readCertificate(socket: TLSSocket): User | 'none' {
  const { subject } = socket.getPeerCertificate() ?? {};
  if (!subject?.CN) return 'none';
  if (!socket.authorized) throw unauthorizedError();
  const organizations = subject.O as string | string[] | undefined;
  return withGroup({ name: String(subject.CN), groups: organizations === undefined ? [] : [organizations].flat() });
}
