// What the proxy counts. Labels are bounded: Services, status codes and a fixed list of causes.

export interface ProxyMetrics {
  request(backend: string, status: number, tookMs: number): void;
  upstreamError(backend: string, status: number): void;
  refused(status: number): void;
  connections(change: 1 | -1): void;
}

export const noMetrics: ProxyMetrics = { request: () => {}, upstreamError: () => {}, refused: () => {}, connections: () => {} };
