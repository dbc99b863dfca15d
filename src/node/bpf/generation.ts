// The maps that we fill, with programs that read them: one generation of a node's connect-time balancing.
// New endpoints are there before the front that leads to them, old ones go after it; a front is switched in one step.
import { closeDescriptor } from '../netlink/ffi.ts';
import { assemble } from './assembler.ts';
import { endpointKey, endpoints, endpointValue, frontKey, fronts, frontValue, type MapShape, memberKey, members, memberValue } from './maps.ts';
import { programs } from './programs.ts';
import type { ConnectFront } from './render-connect.ts';
import { createMap, deleteElements, loadProgram, updateElements } from './syscall.ts';

/** A front as it is in the kernel: every version of it has an id, and endpoints, of its own. */
export interface Placed {
  readonly front: ConnectFront;
  readonly id: number;
  readonly key: Buffer;
}

type Entries = (readonly [key: Buffer, value: Buffer])[];

export const placed = (front: ConnectFront, id: number): Placed => ({ front, id, key: frontKey(front) });
const frontEntry = ({ front, id, key }: Placed) => [key, frontValue(id, front.endpoints.length, front.stickySeconds)] as const;
const endpointEntries = ({ front, id }: Placed): Entries => front.endpoints.map((endpoint, index) => [endpointKey(id, index), endpointValue(endpoint)]);
const memberEntries = ({ front, id }: Placed): Entries =>
  front.stickySeconds === 0 ? [] : front.endpoints.map((endpoint) => [memberKey(id, endpoint), memberValue]);
const keysOf = (entries: Entries): Buffer[] => entries.map(([key]) => key);

export const textOf = ({ key }: Placed): string => key.toString('latin1');

/** Room for twice as much, since the new stands beside the old for a moment; a power of two, which the kernel would make of it. */
const roomFor = (count: number): number => 2 ** Math.ceil(Math.log2(Math.max(count, 512) * 2));

export interface Need {
  fronts: number;
  endpoints: number;
}

/** The maps that we fill, with programs that read them. Outgrown as a whole: others take their place on the cgroup. */
export class Generation {
  readonly room: Need;
  readonly programs: readonly { readonly attachAt: number; readonly fd: number }[];
  readonly #maps = new Map<string, number>();

  constructor(need: Need, remembered: ReadonlyMap<string, number>) {
    this.room = { fronts: roomFor(need.fronts), endpoints: roomFor(need.endpoints) };
    const loaded: { attachAt: number; fd: number }[] = [];
    this.programs = loaded;
    try {
      this.#maps.set(fronts.name, createMap(fronts, this.room.fronts));
      for (const shape of [endpoints, members]) this.#maps.set(shape.name, createMap(shape, this.room.endpoints));
      const all = new Map([...this.#maps, ...remembered]);
      for (const { name, attachAt, code } of programs) loaded.push({ attachAt, fd: loadProgram(name, attachAt, assemble(code, all)) });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  fits({ fronts, endpoints }: Need): boolean {
    return fronts <= this.room.fronts && endpoints <= this.room.endpoints;
  }

  /** The order is the promise: endpoints, then fronts. */
  put(list: readonly Placed[]): void {
    this.#update(endpoints, list.flatMap(endpointEntries));
    this.#update(members, list.flatMap(memberEntries));
    this.#update(fronts, list.map(frontEntry));
  }

  /** Fronts that lead nowhere any more, then the endpoints of fronts that are gone or have another version. */
  drop(gone: readonly Placed[], old: readonly Placed[]): void {
    this.#delete(fronts, gone.map(({ key }) => key));
    this.#delete(endpoints, keysOf(old.flatMap(endpointEntries)));
    this.#delete(members, keysOf(old.flatMap(memberEntries)));
  }

  close(): void {
    for (const { fd } of this.programs) closeDescriptor(fd);
    for (const fd of this.#maps.values()) closeDescriptor(fd);
  }

  #update({ name }: MapShape, entries: Entries): void {
    if (entries.length > 0) updateElements(this.#maps.get(name)!, name, entries);
  }

  #delete({ name }: MapShape, keys: readonly Buffer[]): void {
    if (keys.length > 0) deleteElements(this.#maps.get(name)!, name, keys);
  }
}
