// The program's side of the echo worker: starts stand-ins in it, and looks like any other way to run a container.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../base/run/clock.ts';
import type { Container } from '../../../kube/objects/core.ts';
import type { Output, ProgramContext, ProgramExit, RunningProgram } from '../programs/program.ts';
import type { FromEcho, ToEcho } from './echo-messages.ts';
import type { EchoPort } from './echo-server.ts';

/**
 * The declared TCP and UDP ports. Without any: 8080 and 80 for TCP, 8080 for UDP, as far as they are free in the pod;
 * nothing on the node's own network, where a port that nobody asked for could be in somebody's way.
 * Ports that only a probe names are added.
 */
export function echoPorts(container: Container, hostNetwork: boolean): EchoPort[] {
  const declared = (container.ports ?? []).map(({ containerPort, protocol = 'TCP' }) => ({ port: containerPort, protocol }));
  const probed = probedPorts(container).map((port): EchoPort => ({ port, protocol: 'TCP', optional: true }));
  const known = new Set(declared.map(({ port, protocol }) => `${port}/${protocol}`));
  const extra = probed.filter(({ port }) => !known.has(`${port}/TCP`));
  if (declared.length > 0) return [...declared.filter((port): port is EchoPort => port.protocol !== 'SCTP'), ...extra];
  if (hostNetwork) return [];
  return [
    { port: 8080, protocol: 'TCP', optional: true },
    { port: 80, protocol: 'TCP', optional: true },
    { port: 8080, protocol: 'UDP', optional: true },
    ...extra,
  ];
}

/** The real program would listen where its probes knock, so its stand-in does too. */
function probedPorts({ livenessProbe, readinessProbe, startupProbe }: Container): number[] {
  const knocked = [livenessProbe, readinessProbe, startupProbe].map((probe) => probe?.httpGet?.port ?? probe?.tcpSocket?.port);
  return [...new Set(knocked.filter((port) => typeof port === 'number'))].filter((port) => port !== 8080 && port !== 80);
}

interface Resident {
  output: Output;
  opened: PromiseWithResolvers<void>;
  ended: PromiseWithResolvers<ProgramExit>;
}

/** One per process; shared by all its nodes. The thread starts at once, so that it is ready for the first pod. */
export class EchoHost {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #drainMs: number;
  readonly #residents = new Map<number, Resident>();
  #nextId = 1;
  #gone: Error | undefined;

  /**
   * `drainMs`: how long a stand-in goes on accepting after it was asked to end, because every proxy in the cluster
   * hears of the deletion a moment later (WT-52).
   */
  constructor({ clock, drainMs = 1000 }: { clock: Clock; drainMs?: number }) {
    this.#clock = clock;
    this.#drainMs = drainMs;
    this.#worker = new Worker(new URL('./echo-worker.ts', import.meta.url), { name: 'echo', execArgv: [] });
    this.#worker.on('message', (message: FromEcho) => this.#heard(message));
    this.#worker.on('error', (error) => this.#lost(error));
  }

  async start(context: ProgramContext): Promise<RunningProgram> {
    const { pod, container, sandbox, nodeName, output } = context;
    if (this.#gone) throw this.#gone;
    const id = this.#nextId++;
    const resident: Resident = { output, opened: Promise.withResolvers(), ended: Promise.withResolvers() };
    this.#residents.set(id, resident);
    const identity = {
      pod: pod.metadata.name,
      namespace: pod.metadata.namespace ?? 'default',
      node: nodeName,
      container: container.name,
      image: container.image ?? '',
    };
    const ports = echoPorts(container, pod.spec.hostNetwork === true);
    this.#tell({ say: 'open', id, identity, ports, namespace: sandbox.namespace });
    await resident.opened.promise;
    const listening = ports.map(({ port, protocol }) => `${port}/${protocol}`).join(' ');
    output.write('stdout', `stand-in for image ${identity.image}, listening on ${listening || 'no port'}\n`);
    return this.#running(id, resident);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
    this.#lost(new Error('the echo worker was stopped'));
  }

  #running(id: number, resident: Resident): RunningProgram {
    let killed = false;
    const cancels: (() => void)[] = [];
    const exited = resident.ended.promise.then((exit) => {
      for (const cancel of cancels) cancel();
      return killed ? { code: 137, signal: 9 } : exit;
    });
    return {
      exited,
      stop: () => void cancels.push(this.#clock.after(this.#drainMs, () => this.#tell({ say: 'close', id }))),
      kill: () => {
        killed = true;
        this.#tell({ say: 'destroy', id });
      },
    };
  }

  #tell(message: ToEcho): void {
    this.#worker.postMessage(message);
  }

  #heard(message: FromEcho): void {
    if (message.say === 'log') {
      for (const [id, line] of message.lines) this.#residents.get(id)?.output.write('stdout', `${line}\n`);
      return;
    }
    const resident = this.#residents.get(message.id);
    if (message.say === 'opened') resident?.opened.resolve();
    else {
      this.#residents.delete(message.id);
      const failed = message.say === 'failed';
      if (failed) resident?.output.write('stderr', `${message.message}\n`);
      // A port that is taken is what it would be to a real server: it starts, complains and ends.
      resident?.opened.resolve();
      resident?.ended.resolve({ code: failed ? 1 : 0 });
    }
  }

  /** A worker that is gone takes all its stand-ins with it: to the pods that is a crash of each container. */
  #lost(error: Error): void {
    this.#gone = error;
    for (const resident of this.#residents.values()) {
      resident.opened.reject(error);
      resident.ended.resolve({ code: 1, message: error.message });
    }
    this.#residents.clear();
  }
}
