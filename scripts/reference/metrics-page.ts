// docs/reference/metrics.md: what is counted, from the registries themselves.
import { Registry } from 'prom-client';
import { openStatusPage } from '../../src/main/parts/status-page.ts';
import { realClock } from '../../src/base/run/clock.ts';
import { createApiMetrics } from '../../src/control/apiserver/metrics.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createMemoryStore } from '../../src/kube/store/embedded.ts';
import { createNodeProxyMetrics } from '../../src/node/health/proxy-metrics.ts';
import { dnsMetrics } from '../../src/serve/dns/prometheus-metrics.ts';
import { proxyMetrics } from '../../src/serve/proxy/prometheus-metrics.ts';
import { code, printPage, printTable } from './markdown.ts';

const about = `In the Prometheus text form. Labels are bounded: no metric grows with the number of pods or requests.`;

interface Metric {
  name: string;
  type: string;
  help: string;
}

/** `# HELP name text` and `# TYPE name type` lines of an exposition. */
function readMetrics(exposition: string): Metric[] {
  const types = new Map([...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  return [...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => ({ name: name!, help: help!, type: types.get(name!) ?? '' }));
}

const labelsOf = (exposition: string, { name }: Metric): string[] => {
  const line = exposition.split('\n').find((each) => each.startsWith(`${name}{`) || each.startsWith(`${name}_bucket{`)) ?? '';
  return [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label!).filter((label) => label !== 'le');
};

const printMetrics = (exposition: string): string =>
  printTable(
    ['metric', 'type', 'labels', 'meaning'],
    readMetrics(exposition).map((metric) => [code(metric.name), metric.type, labelsOf(exposition, metric).map(code).join(' '), metric.help]),
  );

/** One of everything, because labels show only in what has been counted. */
async function ofApiServer(): Promise<string> {
  const metrics = createApiMetrics(() => [{ cidr: '10.96.0.0/16', allocated: 1, available: 1 }]);
  const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { clusterIP: '10.96.0.1' } } as KubeObject;
  await metrics.clusterIps.write({ ...createMemoryStore([]), write: () => Promise.resolve(service) }, { verb: 'create', object: service });
  metrics.countRequest({ verb: 'get', resource: 'pods', code: 200 }, 1);
  return metrics.print();
}

async function ofNodeProxy(): Promise<string> {
  const metrics = createNodeProxyMetrics(realClock);
  metrics.applied('ruleset', { changes: 1, tookMs: 1, rules: { nat: { total: 1, written: 1 } } });
  metrics.probed('healthz', 200);
  metrics.probed('livez', 200);
  return metrics.print();
}

async function ofProxy(): Promise<string> {
  const registry = new Registry();
  const metrics = proxyMetrics(registry);
  metrics.request('default/web', 200, 1);
  metrics.upstreamError('default/web', 503);
  metrics.refused(400);
  return registry.metrics();
}

async function ofDns(): Promise<string> {
  const { registry } = await openStatusPage({ isReady: () => true, mirror: { troubles: () => new Map() } });
  dnsMetrics(registry)(undefined);
  return registry.metrics();
}

export const metricsPage = async (): Promise<string> =>
  printPage(
    'Metrics',
    about,
    '## API server',
    `At ${code('/metrics')} of the API: ${code('fairlead kubectl get --raw /metrics')}.`,
    printMetrics(await ofApiServer()),
    '## Service proxy of a node',
    `At ${code('/metrics')} of ${code('fairlead proxy')}, port 10249 of the node's loopback unless told otherwise.`,
    printMetrics(await ofNodeProxy()),
    '## DNS by itself',
    `At ${code('/metrics')} of ${code('fairlead dns')}, port 9153 unless told otherwise. The first one ${code('fairlead gateway')} has as well.`,
    printMetrics(await ofDns()),
    '## L7 proxy',
    `At ${code('/metrics')} of ${code('fairlead gateway')}, port 10254 unless told otherwise; the gateway of the stand-alone cluster does not serve them yet.`,
    printMetrics(await ofProxy()),
  );
