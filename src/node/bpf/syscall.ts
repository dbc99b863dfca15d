// bpf(2): maps, programs and their attachment to cgroups. Everything is a descriptor of this process: when it ends,
// however it ends, the kernel detaches and frees what nobody else holds. Layouts: linux/bpf.h, union bpf_attr.
import { arch } from 'node:process';
import { bpfCall, closeDescriptor, pointerTo, SystemCallError } from '../netlink/ffi.ts';
import type { MapShape } from './maps.ts';

const commands = { mapCreate: 0, mapLookup: 1, mapDelete: 3, programLoad: 5, mapUpdateBatch: 26, mapDeleteBatch: 27, linkCreate: 28, linkUpdate: 29 } as const;

/** The system call's own number. */
const numbers: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };

const CGROUP_SOCK_ADDR = 18;
const nameBytes = 15;
const tries = 20;
const logBytes = 1 << 18;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const name16 = (name: string): Buffer => {
  const bytes = Buffer.alloc(nameBytes + 1);
  bytes.write(name.slice(0, nameBytes));
  return bytes;
};

function call(command: keyof typeof commands, about: string, parts: readonly Buffer[]): number {
  const number = numbers[arch];
  if (number === undefined) throw new Error(`the number of bpf(2) on ${arch} is not known`);
  for (let left = tries; ; left--) {
    try {
      return bpfCall(number, commands[command], Buffer.concat(parts), `${command} ${about}`);
    } catch (error) {
      // The verifier gives up when a signal waits for the thread, and asks to be asked again.
      if (left === 1 || !(error instanceof SystemCallError && error.code === 'EAGAIN')) throw error;
    }
  }
}

export const createMap = ({ name, type, flags, keyBytes, valueBytes }: MapShape, most: number): number =>
  call('mapCreate', name, [u32(type), u32(keyBytes), u32(valueBytes), u32(most), u32(flags), u32(0), u32(0), name16(`fl_${name}`)]);

/** The verifier's words are the message. */
export function loadProgram(name: string, attachAt: number, code: Buffer): number {
  const license = Buffer.from('GPL\0');
  const attributes = (log?: Buffer): Buffer[] => [
    ...[u32(CGROUP_SOCK_ADDR), u32(code.length / 8), u64(pointerTo(code)), u64(pointerTo(license))],
    ...(log ? [u32(1), u32(log.length), u64(pointerTo(log))] : [u32(0), u32(0), u64(0n)]),
    ...[u32(0), u32(0), name16(`fl_${name}`), u32(0), u32(attachAt)],
  ];
  try {
    return call('programLoad', name, attributes());
  } catch (error) {
    throw new Error(`${(error as Error).message}${wordsOf(() => Buffer.alloc(logBytes), (log) => call('programLoad', name, attributes(log)))}`, { cause: error });
  }
}

/** A log is made only for who asks, and asking costs: so once more, for a program that is refused anyway. */
function wordsOf(makeLog: () => Buffer, load: (log: Buffer) => number): string {
  const log = makeLog();
  try {
    closeDescriptor(load(log));
  } catch {
    // Expected: it was refused before. What the verifier said is in the log.
  }
  const words = log.subarray(0, log.indexOf(0)).toString('latin1').trim();
  return words === '' ? '' : `\n${words}`;
}

/** From now on the program is asked for every process of the cgroup. The descriptor holds the attachment. */
export const attachProgram = (program: number, cgroup: number, attachAt: number): number =>
  call('linkCreate', `attach type ${attachAt}`, [u32(program), u32(cgroup), u32(attachAt), u32(0)]);

/** Without a moment in which neither is asked. */
export const replaceProgram = (link: number, program: number): void => void call('linkUpdate', `program ${program}`, [u32(link), u32(program), u32(0), u32(0)]);

const perBatch = 4096;

function batches(map: number, about: string, lists: { keys: readonly Buffer[]; values?: readonly Buffer[] }): void {
  const { keys, values } = lists;
  for (let first = 0; first < keys.length; first += perBatch) {
    const some = Buffer.concat(keys.slice(first, first + perBatch));
    const beside = values && Buffer.concat(values.slice(first, first + perBatch));
    const count = Math.min(perBatch, keys.length - first);
    const pointers = [u64(0n), u64(0n), u64(pointerTo(some)), u64(beside ? pointerTo(beside) : 0n)];
    call(values ? 'mapUpdateBatch' : 'mapDeleteBatch', `${count} of ${about}`, [...pointers, u32(count), u32(map), u64(0n), u64(0n)]);
  }
}

export const updateElements = (map: number, about: string, entries: readonly (readonly [key: Buffer, value: Buffer])[]): void =>
  batches(map, about, { keys: entries.map(([key]) => key), values: entries.map(([, value]) => value) });

export const deleteElements = (map: number, about: string, keys: readonly Buffer[]): void => batches(map, about, { keys });

/** Undefined where there is no such element. */
export function lookUpElement(map: number, key: Buffer, valueBytes: number): Buffer | undefined {
  const value = Buffer.alloc(valueBytes);
  try {
    call('mapLookup', '', [u32(map), u32(0), u64(pointerTo(key)), u64(pointerTo(value)), u64(0n)]);
    return value;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
