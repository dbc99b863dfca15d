// The second judge: what this ruleset does to the first packet of a connection on one machine, without a kernel.
// Serves traces, scenarios and the random worlds. Random choices are followed to every outcome, each with its chance.
//
//   from a link:     prerouting → (ours? input : forward → postrouting)
//   from a process:  output → postrouting → (ours? input)
//
// Knows of connection tracking only the state the caller names; nat chains see new connections only, as in the kernel.
import { addressOf, printAddress } from '../../base/net/address.ts';
import type { Packet } from '../../model/packet.ts';
import { runAction } from './actions.ts';
import { matches } from './matches.ts';
import type { Branch, Hook, Machine, Memory, Reject, State, Step } from './evaluation.ts';
import type { Chain, Ruleset } from './ruleset.ts';

export type { Machine, Memory, Step } from './evaluation.ts';

export interface Probe {
  readonly packet: Packet;
  /** prerouting: it came over a link; output: a process of this machine sent it. */
  readonly enters: 'prerouting' | 'output';
  readonly iifname?: string;
  /** Default: new. */
  readonly connection?: State['connection'];
  /** What earlier packets left in dynamic maps; the outcome carries what this one leaves. */
  readonly memory?: Memory;
  /** Seconds on any clock: entries of the memory expire by it. Default 0. */
  readonly now?: number;
}

export interface RulesetOutcome {
  /** All outcomes of one probe sum to 1. */
  readonly chance: number;
  readonly verdict: 'accepted' | 'dropped' | 'rejected';
  readonly rejection?: Reject;
  /** Accepted: to a process of this machine, or out on a link. */
  readonly leaves?: 'local' | 'link';
  /** As it leaves, or as it was when it was refused. */
  readonly packet: Packet;
  readonly translated: boolean;
  readonly masqueraded: boolean;
  readonly mark: number;
  readonly memory: Memory;
  /** Every rule that acted, in order. */
  readonly steps: readonly Step[];
}

const canonical = (address: string): string => printAddress(addressOf(address));

function baseChains(ruleset: Ruleset, hook: Hook): Chain[] {
  const chains = [...ruleset.chains.values()].filter((chain) => chain.hook?.hook === hook);
  return chains.sort((a, b) => a.hook!.priority - b.hook!.priority);
}

/** Rules in order until one ends the chain; a rule with several outcomes continues in each of them. */
function runRules(chain: Chain, from: number, state: State): Branch[] {
  for (let index = from; index < chain.rules.length; index++) {
    const rule = chain.rules[index]!;
    if (!rule.when.every((match) => matches(match, state))) continue;
    const branches = runAction(rule, chain.name, state, runChain);
    const only = branches.length === 1 ? branches[0]! : undefined;
    if (only?.end === 'next') state = only.state;
    else return branches.flatMap((branch) => (branch.end === 'next' ? runRules(chain, index + 1, branch.state) : [branch]));
  }
  return [{ state, end: 'return' }];
}

function runChain(name: string, state: State): Branch[] {
  const chain = state.ruleset.chains.get(name);
  if (!chain) throw new Error(`chain ${name} does not exist`);
  return runRules(chain, 0, state);
}

/** One base chain: what returns from it meets its policy; accept ends this chain only. */
function runBase(chain: Chain, state: State): Branch[] {
  if (chain.hook!.type === 'nat' && (state.connection !== 'new' || natDone(chain, state))) return [{ state, end: 'accept' }];
  return runRules(chain, 0, state).map((branch) =>
    branch.end === 'return' ? { state: branch.state, end: chain.hook!.policy } : branch,
  );
}

/** Once an address is rewritten, the kernel asks no further nat chain of that kind. */
const natDone = (chain: Chain, state: State): boolean =>
  chain.hook!.hook === 'postrouting' ? state.masqueraded : state.translated;

/** Every base chain of the hook in order of priority; a packet that one accepts meets the next. */
function runHook(hook: Hook, branches: readonly Branch[]): Branch[] {
  let open: Branch[] = [...branches];
  const ruleset = branches[0]?.state.ruleset;
  for (const chain of ruleset ? baseChains(ruleset, hook) : []) {
    open = open.flatMap((branch) => (branch.end === 'accept' ? runBase(chain, { ...branch.state, hook }) : [branch]));
  }
  return open;
}

const isLocal = ({ state }: Branch): boolean => state.machine.isLocal(state.packet.destination);

function follow(start: Branch, enters: Probe['enters']): Branch[] {
  if (enters === 'prerouting') {
    return runHook('prerouting', [start]).flatMap((branch) =>
      isLocal(branch) ? runHook('input', [branch]) : runHook('postrouting', runHook('forward', [branch])),
    );
  }
  const sent = runHook('postrouting', runHook('output', [start]));
  return sent.flatMap((branch) => (isLocal(branch) ? runHook('input', [branch]) : [branch]));
}

function outcomeOf(branch: Branch): RulesetOutcome {
  const { state, end, rejection } = branch;
  const { chance, packet, translated, masqueraded, mark, memory, steps } = state;
  const verdict = end === 'accept' ? 'accepted' : end === 'reject' ? 'rejected' : 'dropped';
  const leaves = verdict === 'accepted' ? { leaves: isLocal(branch) ? ('local' as const) : ('link' as const) } : {};
  return { chance, verdict, ...(rejection && { rejection }), ...leaves, packet, translated, masqueraded, mark, memory, steps };
}

/** Every outcome of the packet on this machine. Throws when a rule names a chain or set that does not exist. */
export function evaluate(ruleset: Ruleset, probe: Probe, machine: Machine): RulesetOutcome[] {
  const { packet } = probe;
  const state: State = {
    ruleset,
    machine,
    hook: probe.enters,
    packet: { ...packet, source: canonical(packet.source), destination: canonical(packet.destination) },
    iifname: probe.iifname,
    connection: probe.connection ?? 'new',
    now: probe.now ?? 0,
    memory: probe.memory ?? new Map(),
    mark: 0,
    translated: false,
    masqueraded: false,
    chance: 1,
    steps: [],
  };
  return follow({ state, end: 'accept' }, probe.enters).map(outcomeOf);
}
