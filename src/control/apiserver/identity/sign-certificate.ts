// Signs certificates. Imported only when one must be made, because the library behind it is slow to load.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { type KeyPair, newKey } from './keys.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

export interface Authority {
  createCa(): Promise<KeyPair>;
  signServing(ca: KeyPair, names: readonly string[]): Promise<KeyPair>;
  /** CN and O carry what the API server takes for user and groups. */
  signClient(ca: KeyPair, client: { user: string; groups: readonly string[] }): Promise<KeyPair>;
}

// A certificate's first octet must not make the serial number negative (RFC 5280, 4.1.2.2).
const serialNumber = () => `01${randomBytes(8).toString('hex')}`;

/** The library signs with WebCrypto keys; ours are kept as PEM. */
async function importKeys(pem: string) {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  const publicDer = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']),
    webcrypto.subtle.importKey('spki', publicDer, algorithm, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}

const altName = (name: string) => ({ type: isIP(name) ? ('ip' as const) : ('dns' as const), value: name });

export function createAuthority(now: () => Date): Authority {
  // The setter is overloaded; this is the one that takes the default provider.
  (x509.cryptoProvider.set as (provider: typeof webcrypto) => void).call(x509.cryptoProvider, webcrypto);
  // An hour back, for clients whose clock is behind.
  const valid = (days: number) => ({ notBefore: new Date(now().getTime() - 3_600_000), notAfter: new Date(now().getTime() + days * dayMs) });

  async function sign(ca: KeyPair, subject: x509.JsonName, extensions: x509.Extension[]): Promise<KeyPair> {
    const key = newKey();
    const [{ publicKey }, authority] = await Promise.all([importKeys(key), importKeys(ca.key)]);
    const issued = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      issuer: new x509.X509Certificate(ca.cert).subject,
      subject: new x509.Name(subject).toString(),
      ...valid(365),
      signingAlgorithm: algorithm,
      publicKey,
      signingKey: authority.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
        ...extensions,
      ],
    });
    return { cert: `${issued.toString('pem')}\n`, key };
  }

  return {
    async createCa() {
      const key = newKey();
      const keys = await importKeys(key);
      const cert = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: serialNumber(),
        name: 'CN=fairlead-ca',
        ...valid(3650),
        signingAlgorithm: algorithm,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return { cert: `${cert.toString('pem')}\n`, key };
    },
    signServing: (ca, names) =>
      sign(ca, [{ CN: ['kube-apiserver'] }], [
        new x509.ExtendedKeyUsageExtension([serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.map(altName)),
      ]),
    signClient: (ca, { user, groups }) =>
      sign(ca, [...groups.map((group) => ({ O: [group] })), { CN: [user] }], [new x509.ExtendedKeyUsageExtension([clientAuth])]),
  };
}
