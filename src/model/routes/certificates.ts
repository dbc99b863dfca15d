// Which certificate a host shows: from the Secrets that its Ingress names in spec.tls.
// Parsing only (no I/O, no clock): an expired certificate is still served, as the user said.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { memoByIdentity } from '../../base/data/memo.ts';
import { secretKind } from '../../kube/kinds/secret.ts';
import type { Secret } from '../../kube/objects/core.ts';
import type { Ingress } from '../../kube/objects/networking.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import type { HostRoutes, Problem } from '../network-model.ts';
import { ingressRef } from './served-ingresses.ts';

type Certificate = NonNullable<HostRoutes['certificate']>;
type Read = { readonly certificate: Certificate; readonly x509: X509Certificate } | { readonly broken: string };

/** The usable tls entries of one Ingress, in order; what is missing or broken is reported and left out (ING-63). */
export interface IngressCertificates {
  /** Does the Ingress ask for TLS on this host, whether or not its Secret can be used? */
  wantsTls(host: string): boolean;
  /** A literal match of tls.hosts first, then any certificate of this Ingress that covers the host (wildcards). */
  find(host: string): Certificate | undefined;
}

export function ingressCertificates(ingress: Ingress, seen: Snapshot, problems: Problem[]): IngressCertificates {
  const entries = (ingress.spec.tls ?? []).map((tls) => ({
    hosts: (tls.hosts ?? []).map((host) => host.toLowerCase()),
    read: tls.secretName ? readNamed(ingress, tls.secretName, seen, problems) : undefined,
  }));
  const covering = (host: string) => entries.find(({ read }) => read?.x509.checkHost(host.replace(/^\*/, 'any'), { subject: 'default' }));
  const literal = (host: string) => entries.find(({ hosts }) => hosts.includes(host));
  return {
    wantsTls: (host) => literal(host) !== undefined || covering(host) !== undefined,
    find: (host) => (literal(host)?.read ?? covering(host)?.read)?.certificate,
  };
}

function readNamed(ingress: Ingress, secretName: string, seen: Snapshot, problems: Problem[]) {
  const secret = seen.get(secretKind, secretName, ingress.metadata.namespace);
  const read: Read = secret ? readSecret(secret) : { broken: 'does not exist' };
  if (!('broken' in read)) return read;
  problems.push({
    about: ingressRef(ingress),
    reason: secret ? 'InvalidCertificate' : 'SecretNotFound',
    message: `Secret ${ingress.metadata.namespace}/${secretName} ${read.broken}; the default certificate is served instead`,
  });
  return undefined;
}

const readSecret = memoByIdentity((secret: Secret): Read => {
  const cert = decode(secret.data?.['tls.crt']);
  const key = decode(secret.data?.['tls.key']);
  if (!cert || !key) return { broken: 'lacks tls.crt or tls.key' };
  try {
    const x509 = new X509Certificate(cert);
    if (!x509.checkPrivateKey(createPrivateKey(key))) return { broken: 'holds a key that does not belong to its certificate' };
    const origin = { kind: 'Secret', namespace: secret.metadata.namespace, name: secret.metadata.name };
    return { x509, certificate: { cert, key, origin } };
  } catch {
    // Any PEM or DER error means the same to the user, and OpenSSL's wording could quote the key.
    return { broken: 'does not hold a readable certificate and key' };
  }
});

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');
