// What tells others how a node's service proxy is: health ports of Services, /healthz, /livez, and, where asked for, metrics.
// The same for a node of the stand-alone cluster and for `fairlead proxy`.
import type { Clock } from '../base/run/clock.ts';
import { logFor } from '../base/run/log.ts';
import type { SocketAddress, Sockets } from '../base/run/sockets.ts';
import { nodeKind } from '../kube/kinds/node.ts';
import { serviceKind } from '../kube/kinds/service.ts';
import type { ObjectStore } from '../kube/store/store.ts';
import type { AgentObserver } from '../node/agent/agent.ts';
import { type AgentStep, step } from '../node/agent/step.ts';
import type { ProxyMode } from '../node/agent/rules-step.ts';
import { healthPorts } from '../node/health/health-ports.ts';
import { createNodeHealth } from '../node/health/node-health.ts';
import type { NodeProxyMetrics } from '../node/health/proxy-metrics.ts';
import { createHealthRenderer, type ServiceHealth } from '../node/health/service-health.ts';
import { openStatusServers, type StatusServers } from '../node/health/status-server.ts';
import { createEventRecorder } from '../node/pods/pod-events.ts';

/** kube-proxy's own (KPX-25, KPX-46). */
export const defaultSyncPeriodMs = 30_000;
export const healthPort = 10_256;
export const metricsPort = 10_249;

export interface HealthPartsOptions {
  store: ObjectStore;
  clock: Clock;
  node: string;
  /** Of the node's own network. */
  sockets: Sockets;
  syncPeriodMs?: number;
  metrics?: NodeProxyMetrics;
  mode?: ProxyMode;
}

export interface HealthParts {
  readonly step: AgentStep;
  readonly observer: AgentObserver;
  open(at: { healthAt?: SocketAddress; metricsAt?: SocketAddress }): Promise<Pick<StatusServers, 'healthPort' | 'metricsPort'>>;
  close(): Promise<void>;
}

export function createHealthParts({ store, clock, node, sockets, syncPeriodMs = defaultSyncPeriodMs, metrics, mode = 'nftables' }: HealthPartsOptions): HealthParts {
  const health = createNodeHealth(clock, syncPeriodMs);
  const record = createEventRecorder(store, node, clock);
  const log = logFor(`health/${node}`);
  let servers: StatusServers | undefined;

  /** PROXY-35. */
  function refused({ port, service: { name, namespace } }: ServiceHealth, error: Error): void {
    log.warn({ err: error, service: `${namespace}/${name}`, port }, 'a health check node port cannot be opened');
    const about = store.snapshot().get(serviceKind, name, namespace);
    const message = `node ${node} failed to start healthcheck "${namespace}/${name}" on port ${port}: ${error.message}`;
    if (about) record({ about, type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message });
  }

  const driver = healthPorts({ sockets, isHealthy: health.isHealthy, onRefused: refused });
  return {
    step: step(createHealthRenderer(), driver),
    observer: {
      woken() {
        health.queued();
        metrics?.woken();
      },
      applied: (name, applied) => metrics?.applied(name, applied),
      failed: (error) => metrics?.failed(error),
      turned(model, tookMs) {
        health.updated();
        health.saw(store.snapshot().get(nodeKind, node));
        metrics?.turned(model, tookMs);
      },
    },
    async open(at) {
      servers = await openStatusServers({ sockets, health, mode, ...(metrics && { metrics }), ...at });
      return servers;
    },
    async close() {
      await driver.remove();
      await servers?.close();
    },
  };
}
