// What every client connection of one proxy shares.
import type { Listener } from '../../model/network-model.ts';
import type { HeadLimits } from './http1/message.ts';
import type { ProxyMetrics } from './metrics.ts';
import type { ExchangeParts } from './upstream/exchange.ts';

/** One line of the access log. */
export interface AccessRecord {
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly scheme: 'http' | 'https';
  readonly status: number;
  readonly sentBytes: number;
  readonly tookMs: number;
  readonly requestId: string;
  /** Absent when the proxy answered itself. */
  readonly backend?: string;
  readonly endpoint?: string;
  /** The object whose route was taken. */
  readonly route?: string;
  /** Why an endpoint's answer is missing. */
  readonly error?: string;
}

export interface ProxyContext extends ExchangeParts {
  readonly limits: HeadLimits;
  /** Largest request body; more is answered 413. Infinity = no limit. */
  readonly maxBodyBytes: number;
  /** Replaced whole by apply(): each request looks here anew. */
  listeners: ReadonlyMap<string, Listener>;
  readonly metrics: ProxyMetrics;
  readonly accessLog?: (record: AccessRecord) => void;
  /** No request is begun on a connection any more. */
  draining: boolean;
}

/** An open client connection, as the proxy sees it when it closes a listener. */
export interface ClientConnection {
  readonly listener: string;
  /** Finish the request in flight, take no more. */
  drain(): void;
  destroy(): void;
}
