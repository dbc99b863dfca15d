// Reads and writes kubeconfig files: the one way a part of Fairlead learns where its API server is and who it is.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

export interface ApiAccess {
  /** `https://127.0.0.1:6443` */
  server: string;
  /** PEM */
  ca?: string;
  clientCert?: string;
  clientKey?: string;
  token?: string;
  /** Wins over `token`: read again whenever it changes, as tokens of service accounts live for an hour. */
  tokenFile?: string;
  /** The certificate's name to expect, where it differs from the server's address. */
  serverName?: string;
}

/** The file cannot be used; the message names file, field and what to do. */
export class KubeconfigError extends Error {}

interface Named<K extends string, T> {
  name: string;
  value: Record<K, T>;
}
type Entries = Record<string, unknown>[] | undefined;

interface ClusterEntry {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'tls-server-name'?: string;
}
interface UserEntry {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  exec?: unknown;
}

/** Throws KubeconfigError. */
export function readKubeconfig(file: string, contextName?: string): ApiAccess {
  const config = load(file);
  const name = contextName ?? String(config['current-context'] ?? '');
  const context = entry<{ cluster?: string; user?: string }>(config['contexts'] as Entries, name, 'context');
  if (!context) throw new KubeconfigError(`${file}: there is no context ${JSON.stringify(name)}; name one with --context or set current-context`);
  const cluster = entry<ClusterEntry>(config['clusters'] as Entries, context.cluster, 'cluster');
  if (!cluster?.server) throw new KubeconfigError(`${file}: context ${name} names cluster ${JSON.stringify(context.cluster)}, which has no server`);
  const user = entry<UserEntry>(config['users'] as Entries, context.user, 'user') ?? {};
  if (user.exec) throw new KubeconfigError(`${file}: user ${context.user} logs in by an exec plug-in, which is not supported; use a token or a client certificate`);
  const pem = (data: string | undefined, path: string | undefined) =>
    data ? Buffer.from(data, 'base64').toString() : path ? readNamed(file, resolve(dirname(file), path)) : undefined;
  return {
    server: cluster.server.replace(/\/$/, ''),
    ca: pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    serverName: cluster['tls-server-name'],
    clientCert: pem(user['client-certificate-data'], user['client-certificate']),
    clientKey: pem(user['client-key-data'], user['client-key']),
    token: user.token,
    tokenFile: user.tokenFile && resolve(dirname(file), user.tokenFile),
  };
}

function readNamed(kubeconfig: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Missing or unreadable: the user's to mend, as the kubeconfig itself.
    throw new KubeconfigError(`${kubeconfig} names ${path}, which cannot be read: ${(error as Error).message}`);
  }
}

function load(file: string): Record<string, unknown> {
  try {
    return (parse(readFileSync(file, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch (error) {
    // Missing, unreadable or not YAML: all are the user's to mend, in one sentence.
    throw new KubeconfigError(`cannot read the kubeconfig ${file}: ${(error as Error).message.split('\n')[0]}`);
  }
}

function entry<T>(list: Entries, name: string | undefined, field: string): T | undefined {
  return list?.find((item) => item['name'] === name)?.[field] as T | undefined;
}

const base64 = (text: string | undefined) => text && Buffer.from(text).toString('base64');

/** A file with one cluster, one user and one context, all of the given name. */
export function printKubeconfig(name: string, access: ApiAccess): string {
  const named = <K extends string, T>(key: K, value: T): Named<K, T>['value'][] => [{ name, [key]: value } as unknown as Named<K, T>['value']];
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: named('cluster', { server: access.server, 'certificate-authority-data': base64(access.ca) }),
    users: named('user', {
      'client-certificate-data': base64(access.clientCert),
      'client-key-data': base64(access.clientKey),
      token: access.token,
    }),
    contexts: named('context', { cluster: name, user: name }),
  });
}
