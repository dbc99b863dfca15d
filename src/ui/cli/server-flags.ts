// The flags of `fairlead server`: those of kube-apiserver that mean something here, under their names, and a few of our own.
// https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
import { join } from 'node:path';
import { Option } from 'commander';
import { parseAddress } from '../../base/net/address.ts';
import { parsePrefix } from '../../base/net/prefix.ts';
import type { EtcdAccess, ServerDescription } from '../config/server-description.ts';

/** Values as they stand on the command line; lists are joined by commas or given several times. */
export interface ServerFlags {
  data: string;
  name: string;
  controllers?: string | true;
  clusterCidr: string[];
  etcdServers?: string[];
  etcdPrefix: string;
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  etcdCompactionInterval: string;
  bindAddress: string;
  securePort: string;
  advertiseAddress?: string;
  certDir?: string;
  tlsCertFile?: string;
  tlsPrivateKeyFile?: string;
  clientCaFile?: string;
  serviceAccountIssuer?: string[];
  serviceAccountKeyFile?: string[];
  serviceAccountSigningKeyFile?: string;
  authorizationMode: string[];
  anonymousAuth: string;
  tokenAuthFile?: string;
  serviceClusterIpRange: string[];
  serviceNodePortRange: string;
  disableAdmissionPlugins?: string[];
  auditLogPath?: string;
}

/** A flag whose value makes no sense; the message names it. */
export class FlagError extends Error {}

const gather = (text: string, before: string[] | undefined): string[] => [...(before ?? []), ...text.split(',').filter(Boolean)];

/** A default is forgotten at the first value given. */
function list(flags: string, about: string, fallback?: string): Option {
  let given: string[] | undefined;
  const option = new Option(flags, about).argParser((text: string) => (given = gather(text, given)));
  return fallback === undefined ? option : option.default(fallback.split(','), fallback);
}

const one = (flags: string, about: string, fallback?: string): Option => {
  const option = new Option(flags, about);
  return fallback === undefined ? option : option.default(fallback);
};

export const serverFlags = (home: string): Option[] => [
  one('--data <folder>', 'where objects and keys are kept if no other flag says so').env('FAIRLEAD_DATA').default(join(home, '.data')),
  one('--name <name>', 'folder inside --data', 'server'),
  one('--controllers [names]', "run the controllers too: all of them, or those named; '-name' leaves one out. Of several servers one runs them at a time"),
  list('--cluster-cidr <ranges>', 'for controllers: each node gets a part for its pods', '10.244.0.0/16'),
  list('--etcd-servers <urls>', 'keep the objects in etcd; without it they are in one SQLite file'),
  one('--etcd-prefix <path>', 'what all keys in etcd begin with', '/registry'),
  one('--etcd-cafile <file>', 'certificate authority of etcd'),
  one('--etcd-certfile <file>', 'client certificate for etcd'),
  one('--etcd-keyfile <file>', 'its key'),
  one('--etcd-compaction-interval <duration>', 'how often etcd forgets what is that old; 0 for never', '5m0s'),
  one('--bind-address <ip>', 'address to listen on', '0.0.0.0'),
  one('--secure-port <port>', 'port to listen on, with TLS', '6443'),
  one('--advertise-address <ip>', 'where others reach this server (default: bind address, or an address of this machine)'),
  one('--cert-dir <folder>', 'certificates that no other flag names: found here, or made'),
  one('--tls-cert-file <file>', 'serving certificate'),
  one('--tls-private-key-file <file>', 'its key'),
  one('--client-ca-file <file>', 'authorities whose client certificates count: CN is the user, O the groups'),
  list('--service-account-issuer <urls>', 'names this cluster in tokens; the first one signs, the others count too'),
  list('--service-account-key-file <files>', 'public keys or certificates whose tokens count'),
  one('--service-account-signing-key-file <file>', 'private key that signs tokens'),
  list('--authorization-mode <modes>', 'RBAC, Node (counts as RBAC) or AlwaysAllow', 'RBAC'),
  new Option('--anonymous-auth [bool]', 'let requests without credentials be system:anonymous').default('true').preset('true'),
  one('--token-auth-file <file>', 'lines of token,user,uid,"group,group"'),
  list('--service-cluster-ip-range <ranges>', 'addresses of Services; the first is the default family', '10.96.0.0/16'),
  one('--service-node-port-range <range>', 'ports of NodePort Services', '30000-32767'),
  list('--disable-admission-plugins <names>', 'of NamespaceLifecycle, ServiceAccount, Priority, DefaultIngressClass'),
  one('--audit-log-path <file>', 'one JSON line for every request: who asked for what'),
];

/** What commander did not take, without values: `--audit-log-path=x` and `--audit-log-path x` alike. */
export const unknownFlags = (rest: readonly string[]): string[] => [...new Set(rest.filter((word) => word.startsWith('-')).map((word) => word.split('=')[0]!))];

/** Throws FlagError. */
export function describeServer(flags: ServerFlags, at: { state: string; certFolder: string }): ServerDescription {
  const etcd = etcdAccess(flags);
  const serving = pairOf(flags.tlsCertFile, flags.tlsPrivateKeyFile, '--tls-cert-file and --tls-private-key-file');
  return {
    ...at,
    ...(etcd && { etcd }),
    address: addressOf('--bind-address', flags.bindAddress),
    port: wholeNumber('--secure-port', flags.securePort, 0, 65_535),
    ...(flags.advertiseAddress && { advertiseAddress: addressOf('--advertise-address', flags.advertiseAddress) }),
    ...(serving && { servingFiles: serving }),
    ...filesOf(flags),
    serviceAccounts: {
      issuers: flags.serviceAccountIssuer ?? [],
      keyFiles: flags.serviceAccountKeyFile ?? [],
      ...(flags.serviceAccountSigningKeyFile && { signingKeyFile: flags.serviceAccountSigningKeyFile }),
    },
    authorizationModes: flags.authorizationMode,
    anonymous: flags.anonymousAuth !== 'false',
    serviceCIDRs: flags.serviceClusterIpRange.map((range) => rangeOf('--service-cluster-ip-range', range)),
    podCIDRs: flags.clusterCidr.map((range) => rangeOf('--cluster-cidr', range)),
    nodePorts: portRange(flags.serviceNodePortRange),
    disabledAdmission: flags.disableAdmissionPlugins ?? [],
    ...(flags.controllers !== undefined && { controllers: flags.controllers === true ? ['*'] : gather(flags.controllers, undefined) }),
  };
}

const filesOf = ({ clientCaFile, tokenAuthFile, auditLogPath }: ServerFlags) => ({
  ...(clientCaFile && { clientCaFile }),
  ...(tokenAuthFile && { tokenFile: tokenAuthFile }),
  ...(auditLogPath && { auditLogPath }),
});

function etcdAccess(flags: ServerFlags): EtcdAccess | undefined {
  if (!flags.etcdServers?.length) return undefined;
  const pair = pairOf(flags.etcdCertfile, flags.etcdKeyfile, '--etcd-certfile and --etcd-keyfile');
  return {
    endpoints: flags.etcdServers,
    prefix: flags.etcdPrefix,
    compactEveryMs: milliseconds('--etcd-compaction-interval', flags.etcdCompactionInterval),
    ...(flags.etcdCafile && { caFile: flags.etcdCafile }),
    ...(pair && { certFile: pair.cert, keyFile: pair.key }),
  };
}

function pairOf(cert: string | undefined, key: string | undefined, names: string): { cert: string; key: string } | undefined {
  if (cert && key) return { cert, key };
  if (cert || key) throw new FlagError(`${names} belong together: give both or none`);
  return undefined;
}

function addressOf(flag: string, text: string): string {
  if (parseAddress(text)) return text;
  throw new FlagError(`${flag} ${text}: must be an IP address, for example 127.0.0.1`);
}

function rangeOf(flag: string, text: string): string {
  if (parsePrefix(text)) return text;
  throw new FlagError(`${flag} ${text}: must be a range, for example 10.96.0.0/16`);
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new FlagError(`${flag} ${text}: must be a whole number from ${least} to ${most}`);
}

/** `30000-32767`, or upstream's `30000+2767`. */
function portRange(text: string): { first: number; last: number } {
  const [, from, sign, to] = /^(\d+)([-+])(\d+)$/.exec(text) ?? [];
  const first = Number(from);
  const last = sign === '+' ? first + Number(to) : Number(to);
  if (from && first >= 1 && first <= last && last <= 65_535) return { first, last };
  throw new FlagError(`--service-node-port-range ${text}: must be like 30000-32767`);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations: `5m0s`, `90s`, `0`. */
function milliseconds(flag: string, text: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) throw new FlagError(`${flag} ${text}: must be a duration like 5m0s`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit!]!, 0);
}
