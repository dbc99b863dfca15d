// Node ports and the health-check port: asked-for ones checked, missing ones handed out (SVC-62 … SVC-72, SVC-83).
import { internalError, invalidError } from '../../meaning/api-error.ts';
import { invalid } from '../../meaning/field-error.ts';
import type { Service, ServicePortSpec } from '../../objects/core.ts';
import type { ClusterConfig } from '../cluster-config.ts';
import { type Bands, pickFree, staticPorts } from './bands.ts';
import { portsOf, type Taken } from './taken.ts';
import { mayHaveNodePorts, needsHealthCheckPort, wantsNodePorts } from './traits.ts';

export interface PortPool {
  readonly range: ClusterConfig['nodePorts'];
  readonly taken: Taken;
  /** Nothing is handed out: numbers count up from a fixed one, and any number may be asked for that is free. */
  readonly isDryRun: boolean;
}

export function portBands({ first, last }: ClusterConfig['nodePorts']): Bands {
  const from = BigInt(first);
  const to = BigInt(last);
  return { first: from, last: to, dynamic: from + staticPorts(to - from + 1n) };
}

const serviceNames = { apiVersion: 'v1', kind: 'Service', plural: 'services' };

/** Numbers this write may use: those the Service had, and those it already got in this turn. */
interface Turn {
  readonly service: Service;
  readonly pool: PortPool;
  readonly kept: ReadonlySet<number>;
  readonly claimed: Set<number>;
}

/** Why a number cannot be had; undefined when it can. */
function complaintAbout(port: number, { pool, kept }: Turn): string | undefined {
  const { first, last } = pool.range;
  if (kept.has(port)) return undefined;
  if (!pool.isDryRun && (port < first || port > last)) return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
  return pool.taken.hasPort(port) ? 'provided port is already allocated' : undefined;
}

function claim(port: number, index: number, turn: Turn): number {
  const complaint = complaintAbout(port, turn);
  if (complaint) throw invalidError(serviceNames, turn.service.metadata.name, [invalid(`spec.ports[${index}].nodePort`, port, complaint)]);
  turn.claimed.add(port);
  return port;
}

// What upstream shows for a port that a dry run would hand out, and those after it.
const shownPort = 32_769;

function showPort({ claimed }: Turn): number {
  const port = claimed.size === 0 ? shownPort : Math.max(...claimed) + 1;
  claimed.add(port);
  return port;
}

/** Throws ApiError 500 when every port is taken; `what` is the word of its message. */
function handOut(seed: string, turn: Turn, what: string): number {
  if (turn.pool.isDryRun) return showPort(turn);
  const { namespace, name, uid } = turn.service.metadata;
  const isFree = (port: bigint) => !turn.claimed.has(Number(port)) && !turn.pool.taken.hasPort(Number(port));
  const free = pickFree(portBands(turn.pool.range), `${namespace}/${name}/${uid}/${seed}`, isFree);
  if (free === undefined) throw internalError(`failed to allocate a ${what}: range is full`);
  turn.claimed.add(Number(free));
  return Number(free);
}

/** Ports of one number share a node port when their protocols differ: DNS on 53/TCP and 53/UDP (SVC-68). */
function nodePortsFor(ports: readonly ServicePortSpec[], turn: Turn): ServicePortSpec[] {
  // Asked-for numbers first, and for all ports: one further down must not find its number handed out.
  for (const [i, { nodePort }] of ports.entries()) if (nodePort) claim(nodePort, i, turn);
  const shared = new Map<number, ServicePortSpec[]>();
  return ports.map((port) => {
    const partners = shared.get(port.port) ?? ports.filter((other) => other.port === port.port && other.nodePort);
    const partner = partners.find(({ protocol }) => protocol !== port.protocol);
    const nodePort = port.nodePort || partner?.nodePort || (wantsNodePorts(turn.service) ? handOut(port.name ?? '', turn, 'nodePort') : undefined);
    const result = nodePort ? { ...port, nodePort } : port;
    shared.set(port.port, [...partners, result]);
    return result;
  });
}

function healthCheckPort(turn: Turn): number {
  const asked = turn.service.spec.healthCheckNodePort;
  if (!asked) return handOut('healthCheck', turn, 'HealthCheck NodePort');
  const complaint = complaintAbout(asked, turn);
  if (complaint) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${complaint}`);
  return asked;
}

/** The Service with its node ports and, where it needs one, its health-check port. */
export function withNodePorts(service: Service, old: Service | undefined, pool: PortPool): Service {
  const turn: Turn = { service, pool, kept: old ? portsOf(old) : new Set(), claimed: new Set() };
  const spec = { ...service.spec };
  if (mayHaveNodePorts(service) && spec.ports) spec.ports = nodePortsFor(spec.ports, turn);
  if (needsHealthCheckPort(service)) spec.healthCheckNodePort = healthCheckPort(turn);
  return { ...service, spec };
}
