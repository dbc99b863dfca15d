// What links.ts, addresses.ts, routes.ts and neighbours.ts make and rtnetlink.ts carries.
import type { Attribute } from './message.ts';
import type { Netns } from './namespaces.ts';

/** One wish, in words (an `ip` command) and in bytes. */
export interface RtRequest {
  readonly words: string;
  readonly type: number;
  /** Beside REQUEST and ACK. */
  readonly flags: number;
  encode(known: Surroundings): { header: Uint8Array; attributes: readonly Attribute[] };
}

/** What a request needs to know only when it is sent. */
export interface Surroundings {
  /** Throws NetlinkError ENODEV. */
  indexOf(link: string): number;
  /** A descriptor that lives until the request is answered. */
  descriptorOf(namespace: Netns): number;
}
