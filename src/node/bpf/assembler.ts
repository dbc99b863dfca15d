// eBPF in words: instructions with labels and named maps → the bytes that the kernel loads.
// Pure. Only what our programs need; little-endian machines. Encoding: RFC 9669.

export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
export type Width = 1 | 2 | 4 | 8;
type Arithmetic = 'add' | 'sub' | 'mul' | 'shift left' | 'shift right' | 'move';
type Condition = '==' | '!=' | '>' | '>=' | '<' | '<=';

/** A place in memory: what a register points to, and bytes from there. */
export interface At {
  readonly base: Register;
  readonly offset: number;
}

/** Numbers are signed 32 bits, widened to 64. */
export type Instruction =
  | { readonly do: Arithmetic; readonly to: Register; readonly by: { readonly register: Register } | { readonly number: number } }
  | { readonly do: 'load'; readonly to: Register; readonly from: At; readonly width: Width }
  | { readonly do: 'store'; readonly from: { readonly register: Register } | { readonly number: number }; readonly at: At; readonly width: Width }
  | { readonly do: 'load map'; readonly to: Register; readonly map: string }
  | { readonly do: 'call'; readonly helper: Helper }
  | { readonly do: 'jump'; readonly to: string }
  | { readonly do: 'jump if'; readonly register: Register; readonly is: Condition; readonly than: { readonly register: Register } | { readonly number: number }; readonly to: string }
  | { readonly do: 'label'; readonly name: string }
  | { readonly do: 'exit' };

/** Functions of the kernel, by the numbers of its interface (linux/bpf.h, enum bpf_func_id). */
export const helpers = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  get_prandom_u32: 7,
  get_socket_cookie: 46,
  get_netns_cookie: 122,
} as const;
export type Helper = keyof typeof helpers;

const arithmetic: Readonly<Record<Arithmetic, number>> = { add: 0x00, sub: 0x10, mul: 0x20, 'shift left': 0x60, 'shift right': 0x70, move: 0xb0 };
const conditions: Readonly<Record<Condition, number>> = { '==': 0x10, '>': 0x20, '>=': 0x30, '!=': 0x50, '<': 0xa0, '<=': 0xb0 };
const widths: Readonly<Record<Width, number>> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };

const class64 = 0x07;
const classJump = 0x05;
const classLoad = 0x61;
const classStore = 0x63;
const classStoreNumber = 0x62;
const fromRegister = 0x08;
const loadWide = 0x18;
const callHelper = 0x85;
const exit = 0x95;
/** In the source field of a wide load: the number is the descriptor of a map. */
const isMap = 1;

const slotBytes = 8;

interface Slot {
  readonly code: number;
  readonly to?: Register;
  readonly from?: number;
  readonly offset?: number;
  readonly number?: number;
}

/** A wide load takes two slots, a label none. */
const slotsOf = (instruction: Instruction): number => (instruction.do === 'label' ? 0 : instruction.do === 'load map' ? 2 : 1);

function placesOf(program: readonly Instruction[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  let slot = 0;
  for (const instruction of program) {
    if (instruction.do === 'label') {
      if (places.has(instruction.name)) throw new Error(`label ${instruction.name} stands twice`);
      places.set(instruction.name, slot);
    }
    slot += slotsOf(instruction);
  }
  return places;
}

interface Surroundings {
  readonly maps: ReadonlyMap<string, number>;
  /** Slots from the next instruction to a label. */
  distance(label: string): number;
}

const operand = (by: { readonly register: Register } | { readonly number: number }) =>
  'register' in by ? { bit: fromRegister, from: by.register } : { bit: 0, number: by.number };

function encode(instruction: Exclude<Instruction, { do: 'label' }>, { maps, distance }: Surroundings): Slot[] {
  switch (instruction.do) {
    case 'load':
      return [{ code: classLoad | widths[instruction.width], to: instruction.to, from: instruction.from.base, offset: instruction.from.offset }];
    case 'store': {
      const { from, at, width } = instruction;
      const source = 'register' in from ? { code: classStore, from: from.register } : { code: classStoreNumber, number: from.number };
      return [{ ...source, code: source.code | widths[width], to: at.base, offset: at.offset }];
    }
    case 'load map': {
      const fd = maps.get(instruction.map);
      if (fd === undefined) throw new Error(`there is no map ${instruction.map}`);
      return [{ code: loadWide, to: instruction.to, from: isMap, number: fd }, { code: 0 }];
    }
    case 'call':
      return [{ code: callHelper, number: helpers[instruction.helper] }];
    case 'jump':
      return [{ code: classJump, offset: distance(instruction.to) }];
    case 'jump if': {
      const { bit, ...source } = operand(instruction.than);
      return [{ code: classJump | conditions[instruction.is] | bit, to: instruction.register, ...source, offset: distance(instruction.to) }];
    }
    case 'exit':
      return [{ code: exit }];
    default: {
      const { bit, ...source } = operand(instruction.by);
      return [{ code: class64 | arithmetic[instruction.do] | bit, to: instruction.to, ...source }];
    }
  }
}

function write(bytes: Buffer, slot: number, { code, to = 0, from = 0, offset = 0, number = 0 }: Slot): void {
  const at = slot * slotBytes;
  bytes[at] = code;
  bytes[at + 1] = to | (from << 4);
  bytes.writeInt16LE(offset, at + 2);
  bytes.writeInt32LE(number, at + 4);
}

/** `maps`: descriptors by the names that `load map` uses. Throws on a label or map that is not there. */
export function assemble(program: readonly Instruction[], maps: ReadonlyMap<string, number>): Buffer {
  const places = placesOf(program);
  const bytes = Buffer.alloc(slotBytes * program.reduce((sum, instruction) => sum + slotsOf(instruction), 0));
  let slot = 0;
  const distance = (label: string): number => {
    const place = places.get(label);
    if (place === undefined) throw new Error(`there is no label ${label}`);
    return place - slot - 1;
  };
  for (const instruction of program) {
    if (instruction.do === 'label') continue;
    const encoded = encode(instruction, { maps, distance });
    for (const [index, each] of encoded.entries()) write(bytes, slot + index, each);
    slot += encoded.length;
  }
  return bytes;
}
