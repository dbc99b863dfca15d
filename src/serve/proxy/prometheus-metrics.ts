// The proxy's counts in Prometheus' form. Apart from metrics.ts, because the library takes longer to load than the proxy:
// only who shows them imports this.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ProxyMetrics } from './metrics.ts';

export function proxyMetrics(registry: Registry): ProxyMetrics {
  const registers = [registry];
  const requests = new Counter({ name: 'fairlead_proxy_requests_total', help: 'Requests answered, by backend and status.', labelNames: ['backend', 'code'], registers });
  const durations = new Histogram({
    name: 'fairlead_proxy_request_duration_seconds', help: 'From the head of a request to the end of its response.', labelNames: ['backend'], registers,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
  });
  const errors = new Counter({ name: 'fairlead_proxy_upstream_errors_total', help: 'Requests that no endpoint answered, by the status told.', labelNames: ['backend', 'code'], registers });
  const refusals = new Counter({ name: 'fairlead_proxy_refused_requests_total', help: 'Requests that were no valid HTTP or beyond a limit.', labelNames: ['code'], registers });
  const open = new Gauge({ name: 'fairlead_proxy_client_connections', help: 'Client connections now open.', registers });
  return {
    request(backend, status, tookMs) {
      requests.inc({ backend, code: status });
      durations.observe({ backend }, tookMs / 1000);
    },
    upstreamError: (backend, status) => errors.inc({ backend, code: status }),
    refused: (status) => refusals.inc({ code: status }),
    connections: (change) => open.inc(change),
  };
}
