// Keys and certificates of a server alone: those that flags name, those found in --cert-dir, and for the rest our own.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ClusterCertificates, openCertificates } from '../control/apiserver/identity/certificates.ts';
import type { KeyPair } from '../control/apiserver/identity/keys.ts';
import type { StaticToken } from '../control/apiserver/identity/authenticate.ts';
import { printKubeconfig } from '../kube/client/kubeconfig.ts';
import type { ServerDescription } from '../ui/config/server-description.ts';

export interface ServerCredentials {
  readonly serving: KeyPair;
  /** Signs clients' certificates; may be a bundle. */
  readonly clientCa: string;
  /** Vouches for the serving certificate: what clients are told to trust. */
  readonly rootCa: string;
  readonly tokenKey: string;
  readonly tokenKeys: readonly string[];
  readonly tokens: readonly StaticToken[];
  /** Ours; absent when nothing of it was needed. */
  readonly own?: ClusterCertificates;
}

const text = (file: string): string => readFileSync(file, 'utf8');

/** A pair that somebody else laid into the folder (test environments do); ours has its authority beside it. */
function foundPair(folder: string): { cert: string; key: string } | undefined {
  const files = { cert: join(folder, 'apiserver.crt'), key: join(folder, 'apiserver.key') };
  return existsSync(files.cert) && existsSync(files.key) && !existsSync(join(folder, 'ca.key')) ? files : undefined;
}

/** Throws the system's error, which names the file, where one cannot be read. */
export async function openServerCredentials(description: ServerDescription, names: readonly string[]): Promise<ServerCredentials> {
  const { certFolder, servingFiles = foundPair(certFolder), clientCaFile, serviceAccounts, tokenFile } = description;
  const complete = servingFiles && clientCaFile && serviceAccounts.signingKeyFile;
  // Beside somebody else's pair ours needs a folder of its own.
  const folder = servingFiles ? join(certFolder, 'fairlead') : certFolder;
  const own = complete ? undefined : await openCertificates({ folder, servingNames: names });
  const serving = servingFiles ? { cert: text(servingFiles.cert), key: text(servingFiles.key) } : own!.serving;
  return {
    serving,
    clientCa: clientCaFile ? text(clientCaFile) : own!.ca.cert,
    rootCa: servingFiles ? serving.cert : own!.ca.cert,
    tokenKey: serviceAccounts.signingKeyFile ? text(serviceAccounts.signingKeyFile) : own!.tokenKey,
    tokenKeys: serviceAccounts.keyFiles.map(text),
    tokens: tokenFile ? readTokens(text(tokenFile)) : [],
    ...(own && { own }),
  };
}

/** `token,user,uid[,"group,group"]`, one a line. */
export function readTokens(lines: string): StaticToken[] {
  return lines.split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('#')).map((line) => {
    const [token = '', name = '', uid = '', groups = ''] = [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => (quoted ?? plain ?? '').trim());
    return { token, user: { name, ...(uid && { uid }), groups: groups.split(',').map((each) => each.trim()).filter(Boolean) } };
  });
}

/** The administrator's access, where our own authority signs clients; answers the file. */
export async function writeAdminKubeconfig(file: string, url: string, { own, clientCa, rootCa }: ServerCredentials): Promise<string | undefined> {
  if (!own || own.ca.cert !== clientCa) return undefined;
  const { cert, key } = await own.issueClient('kubernetes-admin', ['system:masters']);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, printKubeconfig('fairlead-server', { server: url, ca: rootCa, clientCert: cert, clientKey: key }), { mode: 0o600 });
  return file;
}
