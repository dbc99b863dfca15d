// The API server: TLS with HTTP/2 and HTTP/1.1 on any number of addresses, one store behind them.
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { logFor } from '../../base/run/log.ts';
import type { SocketAddress, Sockets } from '../../base/run/sockets.ts';
import { definitionKind } from '../../kube/custom/custom-kinds.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import type { PodAccess } from '../../kube/meaning/pod-access.ts';
import type { Api, ApiStore } from './api.ts';
import { openAuditLog } from './audit.ts';
import { createFairQueue, type FairLimits } from './fairness/fair-queue.ts';
import { defaultLimits } from './fairness/seats.ts';
import { customViews } from './custom/custom-views.ts';
import { DefinitionKeeper } from './custom/definition-keeper.ts';
import { viewsOf } from './views/views.ts';
import { createAuthenticator, type StaticToken } from './identity/authenticate.ts';
import type { Authorizer } from './identity/authorize.ts';
import { createRbacAuthorizer } from './identity/rbac/authorizer.ts';
import type { ClusterCertificates } from './identity/certificates.ts';
import { createTokenIssuer } from './identity/service-account-tokens.ts';
import { createApiMetrics } from './metrics.ts';
import { rangesInUse } from './metrics/cluster-ips.ts';
import { createKindRegistry, type KindRegistry } from './registry.ts';
import { serveRequest, serveUpgrade } from './serve.ts';
import { createWatchHub } from './watches/watch-hub.ts';

export interface ApiServerOptions {
  store: ApiStore;
  /** Served from the start; the registry takes more while the server runs. */
  kinds: readonly Kind[];
  /** Of `ca` only the certificate is read: it may be a bundle of those that sign clients' certificates. */
  certificates: Pick<ClusterCertificates, 'serving' | 'tokenKey'> & { readonly ca: { readonly cert: string } };
  /** Bearer tokens that are known beforehand. */
  tokens?: readonly StaticToken[];
  /** Whoever runs the pods; without it logs, exec and proxies answer 503. */
  podAccess?: PodAccess;
  /** Absent: by roles and bindings in the store (RBAC). */
  authorizer?: Authorizer;
  /** Of service-account tokens. */
  issuer?: string;
  formerIssuers?: readonly string[];
  /** More public keys (PEM) whose service-account tokens count. */
  tokenKeys?: readonly string[];
  /** Requests without credentials are refused (401) instead of being anonymous. */
  refusesAnonymous?: boolean;
  /** Upstream's names of admission plug-ins that are left out. */
  disabledAdmission?: ReadonlySet<string>;
  /** A file that gets one JSON line a request; absent: nothing is audited. */
  auditLogPath?: string;
  /** How many requests are answered at once, and of one user. */
  limits?: FairLimits;
  now?: () => Date;
  /** Between bookmarks on a quiet watch; a minute when absent. */
  bookmarkEveryMs?: number;
}

export interface ApiServer {
  readonly registry: KindRegistry;
  /** May be called for several addresses and networks; answers the port, which the system chose if 0 was asked. */
  listen(sockets: Sockets, at: SocketAddress): Promise<number>;
  /** A token that main.ts may put into pods. */
  readonly tokens: Api['tokens'];
  /** Ends watches and streams, closes every connection. */
  close(): Promise<void>;
}

const log = logFor('apiserver');

/** Serves nothing until it is told where to listen. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const api = createApi(options);
  const { certificates } = options;
  const authenticate = createAuthenticator(options.tokens ?? [], api.tokens, options.refusesAnonymous);
  const closing = new AbortController();
  const servers = new Set<Http2SecureServer>();
  const connections = new Set<TLSSocket>();
  const audit = options.auditLogPath ? openAuditLog(options.auditLogPath) : undefined;
  const fair = createFairQueue(options.limits ?? defaultLimits);
  const context = { api, authenticate, closing: closing.signal, fair, ...(audit && { audit }) };
  const keeper = options.kinds.some(({ kind }) => kind === definitionKind.kind) ? new DefinitionKeeper(options.store, api.now) : undefined;

  function createServer(): Http2SecureServer {
    const server = createSecureServer({
      allowHTTP1: true,
      key: certificates.serving.key,
      cert: certificates.serving.cert,
      ca: certificates.ca.cert,
      requestCert: true,
      // Bearer tokens are as good: whoever shows a certificate that is not ours is refused when asked who they are.
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 1000 },
    });
    // As long as Go's clients keep idle connections: a shorter time loses requests sent just before it ends.
    Object.assign(server, { keepAliveTimeout: 180_000 });
    server.on('request', (incoming, response) => serveRequest(context, incoming, response));
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => serveUpgrade(context, incoming, { socket, head }));
    server.on('secureConnection', (socket: TLSSocket) => {
      connections.add(socket);
      socket.on('close', () => connections.delete(socket));
      socket.setNoDelay(true);
    });
    // Broken handshakes and resets are the clients' business.
    server.on('tlsClientError', (error) => log.debug({ err: error }, 'handshake failed'));
    server.on('sessionError', (error) => log.debug({ err: error }, 'connection failed'));
    return server;
  }

  return {
    registry: api.registry,
    tokens: api.tokens,
    async listen(sockets, at) {
      const server = createServer();
      await sockets.listenTcp(server, at);
      servers.add(server);
      return (server.address() as AddressInfo | null)?.port ?? at.port;
    },
    async close() {
      closing.abort();
      await keeper?.close();
      // One turn, so that watches that just ended can say so.
      await new Promise((resolve) => setImmediate(resolve));
      const closed = [...servers].map((server) => new Promise((resolve) => server.close(resolve)));
      for (const socket of connections) socket.destroy();
      await Promise.all(closed);
      await audit?.close();
    },
  };
}

function createApi(options: ApiServerOptions): Api {
  const { store, kinds, certificates, podAccess } = options;
  const { authorize, rulesOf } = options.authorizer ?? createRbacAuthorizer(() => store.snapshot());
  const { issuer = 'https://kubernetes.default.svc.cluster.local', now = () => new Date(), bookmarkEveryMs = 60_000 } = options;
  const registry = createKindRegistry(kinds, viewsOf(kinds), customViews(store));
  const tokens = createTokenIssuer({
    privateKeyPem: certificates.tokenKey,
    issuer,
    ...(options.tokenKeys && { alsoTrusted: options.tokenKeys }),
    ...(options.formerIssuers && { formerIssuers: options.formerIssuers }),
    now,
    exists({ namespace, name, uid }) {
      const accounts = registry.find('v1', 'serviceaccounts');
      return Boolean(accounts && store.snapshot().get(accounts.stored, name, namespace)?.metadata.uid === uid);
    },
  });
  const watches = createWatchHub({ store, bookmarkEveryMs });
  return { store, registry, podAccess, authorize, rulesOf, tokens, metrics: createApiMetrics(() => rangesInUse(store.snapshot())), watches, now, disabledAdmission: options.disabledAdmission ?? new Set() };
}
