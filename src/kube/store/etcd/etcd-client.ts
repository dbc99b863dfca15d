// Speaks to etcd v3: ranges, transactions, compaction and one watch, over several endpoints.
// A call that fails because its endpoint is away moves all later calls to the next endpoint; who called decides what
// to do, because only they know whether asking again is safe.
import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { join } from 'node:path';
import { StoreError } from '../store-error.ts';
import type { CompactionRequest, RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchRequest, WatchResponse } from './messages.ts';

export interface EtcdTls {
  /** PEM, all of them. */
  ca?: string;
  cert?: string;
  key?: string;
}

export interface EtcdOptions {
  /** `http://10.0.0.1:2379`, `https://…`; without a scheme it depends on whether TLS is given. */
  endpoints: readonly string[];
  tls?: EtcdTls;
  /** Milliseconds a single call may take. */
  callTimeoutMs?: number;
}

/** `unavailable`: nobody knows whether the request was carried out. */
export class EtcdError extends Error {
  readonly unavailable: boolean;
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
    this.unavailable = code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED || code === status.UNKNOWN;
  }
}

export type EtcdWatch = ClientDuplexStream<WatchRequest, WatchResponse>;

export interface EtcdClient {
  /** Linearizable: it sees every write that was acknowledged before the call. */
  range(request: RangeRequest): Promise<RangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  compact(request: CompactionRequest): Promise<unknown>;
  /** Opens a watch stream at the endpoint of the moment; its errors move the client on, as those of calls do. */
  watch(): EtcdWatch;
  close(): void;
}

type Unary = (request: object, options: { deadline: number }, done: (error: ServiceError | null, response: unknown) => void) => void;
type Services = Record<'KV' | 'Watch', new (address: string, access: ChannelCredentials, options: object) => Client & Record<string, unknown>>;

const protoFile = join(import.meta.dirname, 'etcd.proto');

const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

/** Connects at the first call. */
export function createEtcdClient({ endpoints, tls, callTimeoutMs = 5_000 }: EtcdOptions): EtcdClient {
  if (endpoints.length === 0) throw new StoreError('no etcd endpoint was given');
  const definition = loadSync(protoFile, { longs: Number, enums: String, defaults: true, keepCase: true, oneofs: true });
  const services = loadPackageDefinition(definition)['etcdserverpb'] as unknown as Services;
  const members = endpoints.map((endpoint) => connect(services, endpoint, tls));
  let at = 0;

  function moveOn(from: number): void {
    if (at === from) at = (from + 1) % members.length;
  }

  function call<T>(method: 'Range' | 'Txn' | 'Compact', request: object): Promise<T> {
    const from = at;
    const { kv } = members[from]!;
    return new Promise((resolve, reject) => {
      (kv[method] as Unary).call(kv, request, { deadline: Date.now() + callTimeoutMs }, (error, response) => {
        if (!error) return resolve(response as T);
        const failure = new EtcdError(error.details || error.message, error.code);
        if (failure.unavailable) moveOn(from);
        reject(failure);
      });
    });
  }

  async function range(request: RangeRequest): Promise<RangeResponse> {
    for (let left = members.length; ; left -= 1) {
      try {
        return await call('Range', request);
      } catch (error) {
        // Reading twice harms nobody: each endpoint is asked once.
        if (!(error instanceof EtcdError && error.unavailable) || left <= 1) throw error;
      }
    }
  }

  return {
    range,
    txn: (request) => call('Txn', request),
    compact: (request) => call('Compact', request),
    watch() {
      const from = at;
      const { watch } = members[from]!;
      const stream = (watch['Watch'] as () => EtcdWatch).call(watch);
      stream.on('error', () => moveOn(from));
      return stream;
    },
    close() {
      for (const { kv, watch } of members) {
        kv.close();
        watch.close();
      }
    },
  };
}

function connect(services: Services, endpoint: string, tls: EtcdTls | undefined) {
  const [, scheme = tls ? 'https' : 'http', address = endpoint] = /^(https?):\/\/([^/]+)\/?$/.exec(endpoint) ?? [];
  if (!/:\d+$/.test(address)) throw new StoreError(`the etcd endpoint ${endpoint} has no port: write it like http://127.0.0.1:2379`);
  const access = scheme === 'https' ? secured(tls ?? {}) : credentials.createInsecure();
  // Writes and the watch each have a connection: a long answer on one does not hold up the other.
  const kv = new services.KV(address, access, channelOptions);
  const watch = new services.Watch(address, access, { ...channelOptions, 'grpc.use_local_subchannel_pool': 1 });
  return { kv, watch };
}

const bytes = (pem: string | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));

const secured = ({ ca, cert, key }: EtcdTls): ChannelCredentials => credentials.createSsl(bytes(ca), bytes(key), bytes(cert));
