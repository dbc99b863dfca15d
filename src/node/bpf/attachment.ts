// A node's cgroup with our programs on it, and the maps that connections fill: it outlives generations of the other maps.
import { closeSync, openSync } from 'node:fs';
import { closeDescriptor } from '../netlink/ffi.ts';
import { createCgroup } from './cgroups.ts';
import type { Generation } from './generation.ts';
import { clients, MOST_REMEMBERED, peers, replies } from './maps.ts';
import { attachProgram, createMap, replaceProgram } from './syscall.ts';

/** What lives as long as the driver works: the cgroup, what connections left in maps, and the attachments. */
export class Attachment {
  readonly remembered: ReadonlyMap<string, number>;
  readonly #cgroup: number;
  #links: number[] = [];

  constructor(path: string) {
    createCgroup(path);
    this.#cgroup = openSync(path, 'r');
    const made = new Map<string, number>();
    this.remembered = made;
    try {
      for (const shape of [clients, peers, replies]) made.set(shape.name, createMap(shape, MOST_REMEMBERED));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  use({ programs }: Generation): void {
    for (const [index, { attachAt, fd }] of programs.entries()) {
      const link = this.#links[index];
      if (link === undefined) this.#links.push(attachProgram(fd, this.#cgroup, attachAt));
      else replaceProgram(link, fd);
    }
  }

  close(): void {
    for (const fd of [...this.#links.toReversed(), ...this.remembered.values()]) closeDescriptor(fd);
    this.#links = [];
    closeSync(this.#cgroup);
  }
}
