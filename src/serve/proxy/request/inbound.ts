// One request as the filters and the router see it, whatever the protocol it came by.
import type { RequestHead } from '../http1/message.ts';

/** What a client connection knows about itself. */
export interface ClientSide {
  /** Key of the listener: its routes are looked up anew for each request. */
  readonly listener: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** IPv4 without the mapped-address prefix. */
  readonly address: string;
}

export interface Inbound {
  readonly head: Pick<RequestHead, 'method' | 'target' | 'headers' | 'framing' | 'authority' | 'host' | 'upgrade'>;
  readonly client: ClientSide;
}

export const plainAddress = (address = ''): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

