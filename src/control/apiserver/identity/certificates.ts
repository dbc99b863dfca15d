// The cluster's own certificate authority and what it signs: the API server's certificate, clients, the token key.
// Kept in a folder, so that a restart neither changes the CA nor pays for making one (the X.509 library takes 100 ms).
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type KeyPair, newKey } from './keys.ts';

export interface ClusterCertificates {
  readonly ca: KeyPair;
  readonly serving: KeyPair;
  /** Signs service-account tokens; PKCS 8, PEM. */
  readonly tokenKey: string;
  issueClient(user: string, groups: readonly string[]): Promise<KeyPair>;
}

export interface CertificateOptions {
  /** Absent: kept nowhere. */
  folder?: string;
  /** DNS names and IP addresses the API server is reached at. */
  servingNames: readonly string[];
  now?: () => Date;
}

const alwaysNames = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost', '127.0.0.1', '::1'];

/** Reads what is kept and makes what is missing; a serving certificate that lacks a name or soon ends is made anew. */
export async function openCertificates({ folder, servingNames, now = () => new Date() }: CertificateOptions): Promise<ClusterCertificates> {
  const kept = keeper(folder);
  const names = [...new Set([...alwaysNames, ...servingNames])];
  const authority = async () => (await import('./sign-certificate.ts')).createAuthority(now);
  const ca = (await kept.readPair('ca')) ?? (await kept.writePair('ca', await (await authority()).createCa()));
  const old = await kept.readPair('apiserver');
  const usable = old && covers(old.cert, names, now()) && new X509Certificate(old.cert).verify(new X509Certificate(ca.cert).publicKey);
  const serving = usable ? old : await kept.writePair('apiserver', await (await authority()).signServing(ca, names));
  const tokenKey = (await kept.read('sa.key')) ?? (await kept.write('sa.key', newKey()));
  return {
    ca,
    serving,
    tokenKey,
    issueClient: async (user, groups) => (await authority()).signClient(ca, { user, groups }),
  };
}

const dayMs = 86_400_000;

/** Valid for another month, for every one of the names. */
function covers(cert: string, names: readonly string[], now: Date): boolean {
  const parsed = new X509Certificate(cert);
  const lasts = new Date(parsed.validTo).getTime() - now.getTime() > 30 * dayMs;
  return lasts && names.every((name) => (isIP(name) ? parsed.checkIP(name) : parsed.checkHost(name)));
}

function keeper(folder: string | undefined) {
  const read = async (file: string): Promise<string | undefined> => {
    if (!folder) return undefined;
    try {
      return await readFile(join(folder, file), 'utf8');
    } catch {
      // Not there yet, or not readable: a new one is made, and writing it says what is wrong with the folder.
      return undefined;
    }
  };
  const write = async (file: string, text: string): Promise<string> => {
    if (!folder) return text;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, file), text, { mode: 0o600 });
    await chmod(join(folder, file), 0o600);
    return text;
  };
  return {
    read,
    write,
    async readPair(name: string): Promise<KeyPair | undefined> {
      const [cert, key] = await Promise.all([read(`${name}.crt`), read(`${name}.key`)]);
      return cert && key ? { cert, key } : undefined;
    },
    async writePair(name: string, pair: KeyPair): Promise<KeyPair> {
      await write(`${name}.key`, pair.key);
      await write(`${name}.crt`, pair.cert);
      return pair;
    },
  };
}
