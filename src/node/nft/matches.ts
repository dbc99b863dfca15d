// Whether a rule's condition holds for a packet under way: one line for every kind of Match.
import { setNamed, type State } from './evaluation.ts';
import { elementFor, holds, readField, readFields } from './lookup.ts';
import type { Match } from './ruleset.ts';

type Judges = { readonly [K in Match['match']]: (match: Extract<Match, { match: K }>, state: State) => boolean };

/** Unsigned: JavaScript's bit operators answer signed numbers. */
const masked = (value: number, mask: number): number => (value & mask) >>> 0;

const judges: Judges = {
  family: ({ family }, { packet }) => packet.family === family,
  'ct state': ({ states }, { connection }) => states.includes(connection),
  'ct status dnat': ({ is }, { translated }) => translated === is,
  field: ({ field, op, value }, state) => {
    const actual = readField(field, state);
    return actual !== undefined && holds(value, actual) === (op === '==');
  },
  'in set': ({ fields, set, negate }, state) => {
    const values = readFields(fields, state);
    return values !== undefined && (elementFor(setNamed(state, set), values) !== undefined) !== (negate ?? false);
  },
  mark: ({ mask, value, negate }, { mark }) => (masked(mark, mask) === value >>> 0) !== (negate ?? false),
  'local destination': (_match, { machine, packet }) => machine.isLocal(packet.destination),
  'local source': ({ is }, { machine, packet }) => machine.isLocal(packet.source) === is,
  // A single packet never exceeds a rate.
  limit: () => true,
};

// The table is typed by kind, but a look-up by a union loses the pairing: hence the cast.
export const matches = (match: Match, state: State): boolean =>
  (judges[match.match] as (match: Match, state: State) => boolean)(match, state);
