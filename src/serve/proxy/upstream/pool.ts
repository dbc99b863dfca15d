// Connections to endpoints kept for reuse, and the choice of the endpoint for the next request.
// Policy: round robin over the endpoints of a backend; one that just failed to connect is passed over for a while.
import type { Endpoint } from '../../../model/network-model.ts';
import type { Sockets } from '../../../base/run/sockets.ts';
import type { Deadlines } from '../deadlines.ts';
import { UpstreamConnection } from './connection.ts';

export const endpointKey = (endpoint: Endpoint): string => `${endpoint.address}:${endpoint.port}`;

const idlePerEndpoint = 128;
const avoidMs = 5_000;

export class UpstreamPool {
  readonly #sockets: Sockets;
  readonly #deadlines: Deadlines;
  readonly #idleMs: number;
  readonly #idle = new Map<string, UpstreamConnection[]>();
  readonly #open = new Set<UpstreamConnection>();
  readonly #turns = new Map<string, number>();
  readonly #failedUntil = new Map<string, number>();
  #wanted: ReadonlySet<string> = new Set();

  constructor(sockets: Sockets, deadlines: Deadlines, idleMs: number) {
    this.#sockets = sockets;
    this.#deadlines = deadlines;
    this.#idleMs = idleMs;
  }

  /** `backend` names the turn: it survives changes of the endpoint list. Endpoints in `tried` come last. */
  pick(backend: string, endpoints: readonly Endpoint[], tried: ReadonlySet<string>): Endpoint {
    const turn = this.#turns.get(backend) ?? 0;
    this.#turns.set(backend, turn + 1);
    const at = (i: number) => endpoints[(turn + i) % endpoints.length]!;
    const first = at(0);
    if (tried.size === 0 && this.#failedUntil.size === 0) return first;
    let untried: Endpoint | undefined;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = at(i);
      if (tried.has(endpointKey(endpoint))) continue;
      if (!this.#avoids(endpointKey(endpoint))) return endpoint;
      untried ??= endpoint;
    }
    return untried ?? first;
  }

  /** An idle connection, the one used last first, or a new one that is still connecting. */
  take(endpoint: Endpoint): UpstreamConnection {
    const key = endpointKey(endpoint);
    const idle = this.#idle.get(key);
    for (let found = idle?.pop(); found; found = idle?.pop()) if (found.usable) return found;
    const socket = this.#sockets.connectTcp({ address: endpoint.address, port: endpoint.port });
    const made = new UpstreamConnection(key, socket, (gone) => this.#forget(gone));
    this.#open.add(made);
    this.#deadlines.add(made);
    return made;
  }

  give(connection: UpstreamConnection, idleMs = this.#idleMs): void {
    const idle = this.#idle.get(connection.endpoint) ?? [];
    if (!connection.usable || !this.#wanted.has(connection.endpoint) || idle.length >= idlePerEndpoint) return connection.destroy();
    connection.deadline = performance.now() + Math.min(idleMs, this.#idleMs);
    idle.push(connection);
    this.#idle.set(connection.endpoint, idle);
  }

  failed(endpoint: string): void {
    this.#failedUntil.set(endpoint, performance.now() + avoidMs);
  }

  /** Endpoints outside the set lose their idle connections now and the busy ones after their request. */
  want(endpoints: ReadonlySet<string>): void {
    this.#wanted = endpoints;
    for (const [key, idle] of this.#idle) if (!endpoints.has(key)) for (const connection of idle) connection.destroy();
    for (const key of this.#failedUntil.keys()) if (!endpoints.has(key)) this.#failedUntil.delete(key);
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
  }

  #avoids(key: string): boolean {
    const until = this.#failedUntil.get(key);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.#failedUntil.delete(key);
    return false;
  }

  #forget(connection: UpstreamConnection): void {
    this.#open.delete(connection);
    this.#deadlines.delete(connection);
    const idle = this.#idle.get(connection.endpoint);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle!.splice(at, 1);
    if (idle?.length === 0) this.#idle.delete(connection.endpoint);
  }
}
