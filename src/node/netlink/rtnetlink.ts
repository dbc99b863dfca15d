// Links, addresses, routes and neighbours of one namespace, over rtnetlink. Requests are data made by the functions of
// links.ts, addresses.ts, routes.ts and neighbours.ts; this is the wire that carries them and answers questions.
import { closeSync, openSync } from 'node:fs';
import { type AddressEntry, readAddress } from './addresses.ts';
import { type Link, readLink } from './links.ts';
import {
  ACK,
  type Attribute,
  beginMessage,
  DUMP,
  endMessage,
  type Message,
  MESSAGE_ERROR,
  newWriter,
  putAttributes,
  REQUEST,
} from './message.ts';
import type { Netns } from './namespaces.ts';
import { type NeighbourEntry, readNeighbour } from './neighbours.ts';
import { NetlinkError, NetlinkSocket, refusalOf } from './netlink-socket.ts';
import type { RtRequest, Surroundings } from './rt-request.ts';
import { readRoute, type RouteEntry } from './routes.ts';

const ROUTE_PROTOCOL_FAMILY = 0;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_GETADDR = 22;
const RTM_GETROUTE = 26;
const RTM_GETNEIGH = 30;
const IFLA_IFNAME = 3;
/** More at once could overflow the socket's receive buffer with acknowledgements. */
const REQUESTS_AT_ONCE = 64;

/** struct ifinfomsg, all of it unspecified. */
const anyLink = Buffer.alloc(16);
const NTF_PROXY = 8;

const changesLinks = (request: RtRequest) => request.type === RTM_NEWLINK || request.type === RTM_DELLINK;

export class Rtnetlink {
  readonly namespace: Netns;
  readonly #socket: NetlinkSocket;
  readonly #writer = newWriter();

  constructor(namespace: Netns) {
    this.namespace = namespace;
    this.#socket = new NetlinkSocket(namespace, ROUTE_PROTOCOL_FAMILY);
  }

  /** All in order; the first refusal is thrown, after all have been tried. */
  send(...requests: readonly RtRequest[]): void {
    for (const error of this.tryEach(requests)) if (error) throw error;
  }

  /** One answer for each request: undefined, or why the kernel refused it. The others are carried out. */
  tryEach(requests: readonly RtRequest[]): (NetlinkError | undefined)[] {
    const answers: (NetlinkError | undefined)[] = requests.map(() => undefined);
    const indexes = new Map<string, number>();
    const pending = new Map<number, number>();
    const descriptors: number[] = [];
    const known: Surroundings = {
      indexOf: (link) => {
        // A link made a moment ago in this batch must exist before it can be asked for.
        if (!indexes.has(link)) this.#settle(pending, requests, answers);
        const index = indexes.get(link) ?? this.linkIndex(link);
        indexes.set(link, index);
        return index;
      },
      descriptorOf: (namespace) => {
        const fd = openSync(namespace.path, 'r');
        descriptors.push(fd);
        return fd;
      },
    };
    try {
      for (const [position, request] of requests.entries()) {
        try {
          const { header, attributes } = request.encode(known);
          const sequence = this.#write(request, header, attributes);
          pending.set(sequence, position);
        } catch (error) {
          answers[position] = asNetlinkError(this.#words(request.words), error);
        }
        if (changesLinks(request)) indexes.clear();
        if (pending.size >= REQUESTS_AT_ONCE) this.#settle(pending, requests, answers);
      }
      this.#settle(pending, requests, answers);
    } finally {
      descriptors.forEach(closeSync);
    }
    return answers;
  }

  /**
   * One slow request, carried out beside this thread: taking a link away makes the kernel wait 10–40 ms for its readers.
   * The conversation must not be used meanwhile. Rejects with NetlinkError.
   */
  async sendAside(request: RtRequest): Promise<void> {
    const { header, attributes } = request.encode({
      indexOf: (link) => this.linkIndex(link),
      descriptorOf: () => {
        throw new Error('a request that names a namespace cannot be sent aside');
      },
    });
    const sequence = this.#write(request, header, attributes);
    try {
      await this.#socket.sendAside(this.#writer);
    } finally {
      this.#writer.length = 0;
    }
    const refusal = this.#socket.receive()!.filter((message) => message.sequence === sequence).map(refusalOf)[0];
    if (refusal) throw new NetlinkError(this.#words(request.words), refusal);
  }

  /** The command as it must be typed at home. */
  #words(command: string): string {
    return this.namespace.name === '' ? command : command.replace(/^ip /, `ip -n ${this.namespace.name} `);
  }

  #write(request: RtRequest, header: Uint8Array, attributes: readonly Attribute[]): number {
    const sequence = this.#socket.nextSequence();
    const mark = beginMessage(this.#writer, { type: request.type, flags: request.flags | REQUEST | ACK, sequence }, header);
    putAttributes(this.#writer, attributes);
    endMessage(this.#writer, mark);
    return sequence;
  }

  #settle(pending: Map<number, number>, requests: readonly RtRequest[], answers: (NetlinkError | undefined)[]): void {
    if (pending.size === 0) return;
    this.#socket.send(this.#writer);
    this.#writer.length = 0;
    while (pending.size > 0) {
      for (const message of this.#socket.receive()!) {
        const position = pending.get(message.sequence);
        if (message.type !== MESSAGE_ERROR || position === undefined) continue;
        pending.delete(message.sequence);
        const refusal = refusalOf(message);
        if (refusal) answers[position] = new NetlinkError(this.#words(requests[position]!.words), refusal);
      }
    }
  }

  /** Throws NetlinkError ENODEV when there is no such link. */
  linkIndex(name: string): number {
    return this.#askLink(name).index;
  }

  /** Undefined when there is no such link. */
  link(name: string): Link | undefined {
    try {
      return this.#askLink(name);
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined;
      throw error;
    }
  }

  #askLink(name: string): Link {
    const question = newWriter(128);
    const header = { type: RTM_GETLINK, flags: REQUEST, sequence: this.#socket.nextSequence() };
    const mark = beginMessage(question, header, anyLink);
    putAttributes(question, [[IFLA_IFNAME, name]]);
    endMessage(question, mark);
    this.#socket.send(question);
    for (;;) {
      for (const message of this.#socket.receive()!) {
        if (message.sequence !== header.sequence) continue;
        const refusal = message.type === MESSAGE_ERROR ? refusalOf(message) : undefined;
        if (refusal) throw new NetlinkError(this.#words(`ip link show dev ${name}`), refusal);
        return readLink(message.body);
      }
    }
  }

  links(): Link[] {
    return this.#dump(RTM_GETLINK, anyLink, ({ body }) => readLink(body));
  }

  /** Names by index, for the dumps that speak of links by number. */
  #names(): Map<number, string> {
    return new Map(this.links().map(({ index, name }) => [index, name]));
  }

  addresses(): AddressEntry[] {
    const names = this.#names();
    return this.#dump(RTM_GETADDR, Buffer.alloc(8), ({ body }) => readAddress(body, names));
  }

  /** Both families, all tables but `local`, and no cached clones. */
  routes(): RouteEntry[] {
    const names = this.#names();
    const entries = this.#dump(RTM_GETROUTE, Buffer.alloc(12), ({ body }) => readRoute(body, names));
    return entries.filter((entry) => entry !== undefined);
  }

  /** Permanent and learnt entries, and proxy entries. */
  neighbours(): NeighbourEntry[] {
    const names = this.#names();
    const proxies = Buffer.alloc(12);
    proxies[10] = NTF_PROXY;
    return [Buffer.alloc(12), proxies].flatMap((header) =>
      this.#dump(RTM_GETNEIGH, header, ({ body }) => readNeighbour(body, names)).filter((entry) => entry !== undefined),
    );
  }

  #dump<T>(type: number, header: Uint8Array, read: (message: Message) => T): T[] {
    const question = newWriter(64);
    const sequence = this.#socket.nextSequence();
    endMessage(question, beginMessage(question, { type, flags: REQUEST | DUMP, sequence }, header));
    const entries: T[] = [];
    const refusal = this.#socket.dump(question, (message) => {
      if (message.sequence === sequence) entries.push(read(message));
    });
    if (refusal) throw new NetlinkError(`dump of type ${type}`, refusal);
    return entries;
  }

  close(): void {
    this.#socket.close();
  }
}

/** A request that could not even be put into bytes: its link or namespace is not there. */
const asNetlinkError = (words: string, error: unknown): NetlinkError =>
  new NetlinkError(words, { code: (error as { code?: string }).code ?? 'EINVAL', reason: (error as Error).message });

/** Opens a conversation for the length of the body. */
export function withRtnetlink<T>(namespace: Netns, body: (rtnetlink: Rtnetlink) => T): T {
  const rtnetlink = new Rtnetlink(namespace);
  try {
    return body(rtnetlink);
  } finally {
    rtnetlink.close();
  }
}
