// What everything that belongs to one cluster on this machine is called, so that it is found again without memory.
// The dot keeps clusters apart: no cluster name has one, so `fl-a.` is never the beginning of another cluster's names.
import { createHash } from 'node:crypto';
import { namespaceOf, type Netns } from '../netlink/namespaces.ts';

const LINK_NAME_LENGTH = 15;

/** Every namespace of the cluster starts so, its pods' included. */
export const namespacePrefix = (cluster: string): string => `fl-${cluster}.`;

/** The namespace of a node or an outside host. */
export const nodeNamespace = (cluster: string, name: string): Netns => namespaceOf(`${namespacePrefix(cluster)}${name}`);

/** The machine room's own namespace; upper-case, as no node can be called. */
export const underlayNamespace = (cluster: string): Netns => nodeNamespace(cluster, 'UNDERLAY');

/** The one link in the caller's namespace. */
export const hostLinkName = (cluster: string): string => fitLinkName(`fl-${cluster}`);

/** The underlay's end of a node's cable. */
export const portName = (name: string): string => fitLinkName(`to-${name}`);

/** As it is when it fits, else its beginning and a hash of the whole. */
export function fitLinkName(name: string): string {
  if (name.length <= LINK_NAME_LENGTH) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return `${name.slice(0, LINK_NAME_LENGTH - 7)}-${hash}`;
}
