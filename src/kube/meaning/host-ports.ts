// The ports of its node that a pod asks for, and when two pods ask for the same. Serves the scheduler and the model.
import type { Container, Pod } from '../objects/core.ts';
import type { Protocol } from '../objects/meta.ts';

export interface HostPort {
  /** '' = every address of the node. */
  readonly hostIP: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

/** Init containers come and go before the others; only those that stay (sidecars) keep ports. */
const staying = (container: Container): boolean => container.restartPolicy === 'Always';

export const hostPortsOf = ({ spec }: Pod): HostPort[] =>
  [...(spec.initContainers ?? []).filter(staying), ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = '', containerPort, protocol = 'TCP' }) => (hostPort ? [{ hostIP, hostPort, containerPort, protocol }] : [])),
  );

const everyAddress = new Set(['', '0.0.0.0']);

/** Of two ports one is in the other's way: same number and protocol, and an address that is the same or every one (HPT-05). */
export const clash = (a: HostPort, b: HostPort): boolean =>
  a.hostPort === b.hostPort && a.protocol === b.protocol && (a.hostIP === b.hostIP || everyAddress.has(a.hostIP) || everyAddress.has(b.hostIP));
