// The TLS side of HTTPS listeners: which certificate answers a server name, and the one that nobody asked for.
import { webcrypto } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { HostRoutes, Listener } from '../../model/network-model.ts';
import { wildcardOf } from '../../model/routes/find-route.ts';

type Certificate = NonNullable<HostRoutes['certificate']>;

const contexts = new WeakMap<Certificate, SecureContext>();

/** By exact name, then wildcard; undefined = the default certificate. Contexts live as long as the model keeps the certificate. */
export function contextFor(listener: Listener | undefined, serverName: string): SecureContext | undefined {
  const name = serverName.toLowerCase();
  const certificate = listener?.hosts.get(name)?.certificate ?? listener?.hosts.get(wildcardOf(name))?.certificate;
  if (!certificate) return undefined;
  const known = contexts.get(certificate);
  if (known) return known;
  const made = createSecureContext({ cert: certificate.cert, key: certificate.key });
  contexts.set(certificate, made);
  return made;
}

/** Self-made, for hosts without a usable Secret (ING-63): browsers warn, which is the point. Valid for a year. */
export async function makeDefaultCertificate(): Promise<{ cert: string; key: string }> {
  // Loaded only where TLS is served: the library costs more start-up time than the rest of the proxy.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const now = Date.now();
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'O=Fairlead, CN=Fairlead Ingress Default Certificate',
    keys: keys as never,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 365 * 86_400_000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'ingress.local' }])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: made.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n` };
}
