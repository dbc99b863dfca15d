// What a rule's action does to a packet under way: one entry for every kind of Action.
// An action whose map has no entry does not happen, and the packet goes on to the next rule: so does the kernel.
import { type Branch, setNamed, type State } from './evaluation.ts';
import { elementFor, readFields } from './lookup.ts';
import { printKey, type Action, type Element, type Field, type FieldValue, type Rule, type VerdictAction } from './ruleset.ts';

type RunChain = (name: string, state: State) => Branch[];
type Does = {
  readonly [K in Action['do']]: (action: Extract<Action, { do: K }>, state: State, run: RunChain) => Branch[];
};

const next = (state: State): Branch[] => [{ state, end: 'next' }];

function verdict(action: VerdictAction, state: State, run: RunChain): Branch[] {
  switch (action.do) {
    case 'accept':
    case 'drop':
    case 'return':
      return [{ state, end: action.do }];
    case 'jump':
      return run(action.chain, state).map((branch) => (branch.end === 'return' ? { state: branch.state, end: 'next' } : branch));
    case 'goto':
      return run(action.chain, state);
  }
}

const memoryKey = (map: string, key: readonly FieldValue[]): string => `${map} ${printKey(key)}`;

/** The element for the packet's fields; dynamic maps answer from memory while the entry lives. */
function find(map: string, fields: readonly Field[], state: State): Element | undefined {
  const key = readFields(fields, state);
  if (!key) return undefined;
  const set = setNamed(state, map);
  if (!set.dynamic) return elementFor(set, key);
  const entry = state.memory.get(memoryKey(map, key));
  return entry && entry.until > state.now ? { key, data: [entry.mark] } : undefined;
}

function translate(element: Element | undefined, family: 4 | 6, state: State): Branch[] {
  if (!element?.data || state.packet.family !== family) return next(state);
  const [destination, destinationPort] = element.data;
  const packet = { ...state.packet, destination: String(destination), destinationPort: Number(destinationPort) };
  return [{ state: { ...state, packet, translated: true }, end: 'accept' }];
}

function remember(map: string, fields: readonly Field[], state: State, seconds: number): State {
  const key = readFields(fields, state);
  if (!key) return state;
  const at = memoryKey(map, key);
  const old = state.memory.get(at);
  const mark = old && old.until > state.now ? old.mark : state.mark;
  return { ...state, memory: new Map(state.memory).set(at, { mark, until: state.now + seconds }) };
}

function forget(map: string, fields: readonly Field[], state: State): State {
  const key = readFields(fields, state);
  if (!key) return state;
  const memory = new Map(state.memory);
  memory.delete(memoryKey(map, key));
  return { ...state, memory };
}

const each = (mod: number, state: State, then: (index: number, state: State) => Branch[]): Branch[] =>
  Array.from({ length: mod }, (_, index) => then(index, { ...state, chance: state.chance / mod })).flat();

function masquerade(state: State): Branch[] {
  const source = state.machine.masqueradeAs?.(state.packet) ?? state.packet.source;
  return [{ state: { ...state, packet: { ...state.packet, source }, masqueraded: true }, end: 'accept' }];
}

const does: Does = {
  accept: verdict,
  drop: verdict,
  return: verdict,
  jump: verdict,
  goto: verdict,
  reject: (action, state) => [{ state, end: 'reject', rejection: action.with }],
  vmap: ({ fields, map }, state, run) => {
    const element = find(map, fields, state);
    return element?.verdict ? verdict(element.verdict, state, run) : next(state);
  },
  'set mark from map': ({ fields, map, verdict: after }, state, run) => {
    const data = find(map, fields, state)?.data;
    if (!data) return next(state);
    const marked = { ...state, mark: Number(data[0]) };
    return after ? verdict(after, marked, run) : next(marked);
  },
  'set mark': ({ mask, value }, state) => next({ ...state, mark: ((state.mark & mask) | value) >>> 0 }),
  'set mark random': ({ mod }, state) => each(mod, state, (mark, chosen) => next({ ...chosen, mark })),
  'update map with mark': ({ fields, map, timeoutSeconds }, state) => next(remember(map, fields, state, timeoutSeconds)),
  'forget in map': ({ fields, map }, state) => next(forget(map, fields, state)),
  'dnat to map': ({ family, fields, map }, state) => translate(find(map, fields, state), family, state),
  dnat: ({ family, address, port }, state) => translate({ key: [], data: [address, port] }, family, state),
  masquerade: (_action, state) => masquerade(state),
  log: (_action, state) => next(state),
  counter: (_action, state) => next(state),
};

/** Notes the step, then acts. A jump's own step stands before those of the chain it leads to. */
export function runAction(rule: Rule, chain: string, state: State, run: RunChain): Branch[] {
  const at = state.steps.length;
  const step = { hook: state.hook, chain, rule, packet: state.packet };
  const started = { ...state, steps: [...state.steps, step] };
  // The table is typed by kind, but a look-up by a union loses the pairing: hence the cast.
  const act = does[rule.then.do] as (action: Action, state: State, run: RunChain) => Branch[];
  return act(rule.then, started, run).map((branch) => {
    const own = branch.state.steps[at]!;
    if (branch.end === 'next' || branch.state.steps.length > at + 1 || own.packet === branch.state.packet) return branch;
    return { ...branch, state: { ...branch.state, steps: branch.state.steps.with(at, { ...own, packet: branch.state.packet }) } };
  });
}
