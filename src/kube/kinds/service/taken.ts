// Which Service addresses and node ports are in use in a snapshot.
// Remembered for the last list seen and brought up to date by its difference to the next one, so that creating
// the ten-thousandth Service costs a pointer comparison per Service and not a new set of them all.
import { parseAddress, printAddress } from '../../../base/net/address.ts';
import type { Service } from '../../objects/core.ts';
import { givenClusterIPs } from './traits.ts';

export interface Taken {
  hasAddress(ip: string): boolean;
  hasPort(port: number): boolean;
}

interface Book {
  list: readonly Service[];
  addresses: Map<string, number>;
  ports: Map<number, number>;
}

function count<K>(map: Map<K, number>, key: K, by: 1 | -1): void {
  const now = (map.get(key) ?? 0) + by;
  if (now > 0) map.set(key, now);
  else map.delete(key);
}

/** Node ports of a Service, health check included; each number once (SVC-68). */
export function portsOf({ spec }: Service): Set<number> {
  const numbers = [...(spec.ports ?? []).map(({ nodePort }) => nodePort), spec.healthCheckNodePort];
  return new Set(numbers.filter((port): port is number => !!port));
}

/** Only IPv6 can be written in two ways. */
function canonical(ip: string): string {
  const address = ip.includes(':') ? parseAddress(ip) : undefined;
  return address ? printAddress(address) : ip;
}

function enter(book: Book, service: Service, by: 1 | -1): void {
  if (service.spec.type !== 'ExternalName') {
    for (const ip of givenClusterIPs(service.spec)) if (ip !== 'None') count(book.addresses, canonical(ip), by);
  }
  for (const port of portsOf(service)) count(book.ports, port, by);
}

/** Turns the book from its list to another: only what differs between the common head and tail is touched. */
function turnTo(book: Book, list: readonly Service[]): void {
  const old = book.list;
  const shorter = Math.min(old.length, list.length);
  let head = 0;
  while (head < shorter && old[head] === list[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === list[list.length - 1 - tail]) tail++;
  for (const service of old.slice(head, old.length - tail)) enter(book, service, -1);
  for (const service of list.slice(head, list.length - tail)) enter(book, service, 1);
  book.list = list;
}

/** One book per caller. What it returns is good until it is asked about another list. */
export function takenBook(): (list: readonly Service[]) => Taken {
  const book: Book = { list: [], addresses: new Map(), ports: new Map() };
  const taken: Taken = { hasAddress: (ip) => book.addresses.has(ip), hasPort: (port) => book.ports.has(port) };
  return (list) => {
    if (list !== book.list) turnTo(book, list);
    return taken;
  };
}
