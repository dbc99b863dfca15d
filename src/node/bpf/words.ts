// Short words for writing eBPF programs (programs.ts): each makes one instruction, or the few that always go together.
import type { At, Helper, Instruction, Register, Width } from './assembler.ts';

type Number = { readonly number: number };
type Source = Register | Number;

const sourceOf = (source: Source): { readonly register: Register } | Number => (typeof source === 'number' ? { register: source } : source);

export const number = (value: number): Number => ({ number: value });
export const at = (base: Register, offset: number): At => ({ base, offset });
/** Of the program's 512 bytes of stack; offsets are negative. */
export const stack = (offset: number): At => at(10, offset);

export const move = (to: Register, by: Source): Instruction => ({ do: 'move', to, by: sourceOf(by) });
export const add = (to: Register, by: Source): Instruction => ({ do: 'add', to, by: sourceOf(by) });
export const subtract = (to: Register, by: Source): Instruction => ({ do: 'sub', to, by: sourceOf(by) });
export const multiply = (to: Register, by: Source): Instruction => ({ do: 'mul', to, by: sourceOf(by) });
export const shiftLeft = (to: Register, bits: number): Instruction => ({ do: 'shift left', to, by: { number: bits } });
export const shiftRight = (to: Register, bits: number): Instruction => ({ do: 'shift right', to, by: { number: bits } });
export const load = (to: Register, from: At, width: Width): Instruction => ({ do: 'load', to, from, width });
export const store = (at: At, source: Source, width: Width): Instruction => ({ do: 'store', from: sourceOf(source), at, width });
export const call = (helper: Helper): Instruction => ({ do: 'call', helper });
export const jump = (to: string): Instruction => ({ do: 'jump', to });
export const label = (name: string): Instruction => ({ do: 'label', name });
export const jumpIf = (register: Register, is: '==' | '!=' | '>' | '>=' | '<' | '<=', than: Source, to: string): Instruction => ({
  do: 'jump if',
  register,
  is,
  than: sourceOf(than),
  to,
});

/** A helper's arguments are registers 1 to 5; afterwards these are lost, and its answer is in register 0. */
const pointTo = (to: Register, { base, offset }: At): Instruction[] => [move(to, base), add(to, number(offset))];
const mapAndKey = (map: string, key: At): Instruction[] => [{ do: 'load map', to: 1, map }, ...pointTo(2, key)];

/** Register 0: pointer to the value, or 0. */
export const lookUp = (map: string, key: At): Instruction[] => [...mapAndKey(map, key), call('map_lookup_elem')];
export const update = (map: string, key: At, value: At): Instruction[] => [...mapAndKey(map, key), ...pointTo(3, value), move(4, number(0)), call('map_update_elem')];
export const forget = (map: string, key: At): Instruction[] => [...mapAndKey(map, key), call('map_delete_elem')];

/** `words` of 4 bytes each, by way of register 1. */
export const copy = (to: At, from: At, words: number): Instruction[] =>
  Array.from({ length: words }, (_, i) => [load(1, at(from.base, from.offset + 4 * i), 4), store(at(to.base, to.offset + 4 * i), 1, 4)]).flat();

/** Every program of ours lets the call go on; what it changes is where to. */
export const letPass: readonly Instruction[] = [move(0, number(1)), { do: 'exit' }];
