// Balancing when a process connects, as a part of the agent that may be missing: where the machine cannot do it, the rules
// of nftables carry everything, and the node says why (condition ConnectTimeBalancing).
import type { Condition } from '../../kube/objects/meta.ts';
import { logFor } from '../../base/run/log.ts';
import { connectDriver } from '../bpf/connect-driver.ts';
import { createConnectRenderer } from '../bpf/render-connect.ts';
import { DriverError } from '../linux/driver.ts';
import type { AgentStep } from './step.ts';

export type NodeNote = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export interface ConnectStep extends AgentStep {
  /** How it stands; the same object until that changes. */
  note(): NodeNote | undefined;
}

export interface ConnectStepOptions {
  /** `auto` falls back at the first refusal and stays so; `on` counts it as a failure of the node, and tries again. */
  mode: 'auto' | 'on';
  /** Of the node; undefined where the machine has no unified hierarchy. */
  cgroup: string | undefined;
}

const noteOf = (status: 'True' | 'False', reason: string, message: string): NodeNote => ({ type: 'ConnectTimeBalancing', status, reason, message });

const attached = noteOf('True', 'ProgramsAttached', 'processes of pods are given an endpoint when they connect to a Service');

const name = 'connect-time balancing';
const log = logFor(name);

export function connectStep({ mode, cgroup }: ConnectStepOptions): ConnectStep {
  const render = createConnectRenderer();
  const driver = cgroup === undefined ? undefined : connectDriver(cgroup);
  let note: NodeNote | undefined;
  return {
    name,
    note: () => note,
    async apply(model) {
      if (mode === 'auto' && note?.status === 'False') return { changes: 0, tookMs: 0 };
      try {
        if (!driver) throw new DriverError(name, 'no cgroup v2 hierarchy is mounted', 'mount -t cgroup2');
        const applied = await driver.apply(render(model));
        note = attached;
        return applied;
      } catch (error) {
        const { message } = error as Error;
        note = noteOf('False', 'MachineRefused', `connections to Services go by nftables: ${message}`);
        if (mode === 'on') throw error;
        log.warn({ err: error }, 'connections to Services go by nftables');
        return { changes: 0, tookMs: 0 };
      }
    },
    remove: async () => driver?.remove(),
  };
}
