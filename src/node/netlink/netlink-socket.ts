// One conversation with the kernel in one namespace. The socket stays in the namespace it was opened in, so talking
// needs no window. Synchronous: rtnetlink answers while send() is still running, so nothing here ever really waits.
import {
  AF_NETLINK,
  bindSocket,
  closeDescriptor,
  errnoName,
  getSocketOption,
  openSocket,
  receiveBytes,
  sendBytes,
  sendBytesAside,
  setSocketOption,
  SOCK_RAW,
} from './ffi.ts';
import { type Message, MESSAGE_DONE, MESSAGE_ERROR, type MessageWriter, readAttributes, readMessages, textOf } from './message.ts';
import { inNamespace, type Netns } from './namespaces.ts';

/** The kernel refused one request. `request` is the same wish as a command that an operator can try by hand. */
export class NetlinkError extends Error {
  /** `EEXIST` … */
  readonly code: string;
  readonly request: string;

  constructor(request: string, refusal: Refusal) {
    super(`${request}: ${refusal.code}${refusal.reason ? ` (${refusal.reason})` : ''}`);
    this.code = refusal.code;
    this.request = request;
  }
}

export interface Refusal {
  readonly code: string;
  /** The kernel's own words, where it has some. */
  readonly reason?: string;
  /** Where in the request the attribute is that the kernel did not like, in bytes from the message's beginning. */
  readonly offset?: number;
}

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const CAP_ACK = 10;
const EXT_ACK = 11;
const on = Buffer.from([1, 0, 0, 0]);
const RECEIVE_TIMEOUT_SECONDS = 10n;

/** Shared by all conversations: each datagram is consumed before the next is asked for. */
const receiveBuffer = Buffer.alloc(256 * 1024);

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** struct timeval */
const seconds = (value: bigint) => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(value);
  return bytes;
};

/** struct sockaddr_nl: kernel's choice of port, given multicast groups. */
const netlinkAddress = (groups: number) => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(AF_NETLINK);
  bytes.writeUInt32LE(groups >>> 0, 8);
  return bytes;
};

export class NetlinkSocket {
  readonly fd: number;
  #sequence = 0;
  #open = true;

  constructor(namespace: Netns, protocol: number, groups = 0) {
    this.fd = inNamespace(namespace, () => openSocket({ family: AF_NETLINK, type: SOCK_RAW, protocol, blocking: true }));
    setSocketOption(this.fd, SOL_NETLINK, CAP_ACK, on);
    setSocketOption(this.fd, SOL_NETLINK, EXT_ACK, on);
    setSocketOption(this.fd, SOL_SOCKET, SO_RCVTIMEO, seconds(RECEIVE_TIMEOUT_SECONDS));
    bindSocket(this.fd, netlinkAddress(groups));
  }

  nextSequence(): number {
    return (this.#sequence = (this.#sequence + 1) >>> 0 || 1);
  }

  /** Asks for larger buffers; only root of the machine gets more than its wmem_max allows. */
  setBuffers(bytes: number): void {
    for (const [forced, asked] of [[SO_SNDBUFFORCE, SO_SNDBUF], [SO_RCVBUFFORCE, SO_RCVBUF]] as const) {
      try {
        setSocketOption(this.fd, SOL_SOCKET, forced, u32(bytes));
      } catch {
        // EPERM in a user namespace: the kernel cuts the plain wish down to what is allowed.
        setSocketOption(this.fd, SOL_SOCKET, asked, u32(bytes));
      }
    }
  }

  /** The largest datagram that send takes; the kernel answers EMSGSIZE to more (net/netlink/af_netlink.c). */
  largestSend(): number {
    return getSocketOption(this.fd, SOL_SOCKET, SO_SNDBUF) - 32;
  }

  send(writer: MessageWriter): void {
    sendBytes(this.fd, writer.bytes, writer.length);
  }

  /** Like send, without holding up this thread while the kernel works. The writer must rest until then. */
  sendAside(writer: MessageWriter): Promise<void> {
    return sendBytesAside(this.fd, writer.bytes, writer.length);
  }

  /** The next datagram; undefined when `wait` is false and none is there. */
  receive(wait = true): Message[] | undefined {
    const length = receiveBytes(this.fd, receiveBuffer, wait);
    return length === undefined ? undefined : readMessages(receiveBuffer.subarray(0, length));
  }

  /** Sends one dump request and hands every answer to `read`. Returns the kernel's refusal, if any. */
  dump(writer: MessageWriter, read: (message: Message) => void): Refusal | undefined {
    this.send(writer);
    for (;;) {
      for (const message of this.receive()!) {
        if (message.type === MESSAGE_DONE || message.type === MESSAGE_ERROR) return refusalOf(message);
        read(message);
      }
    }
  }

  close(): void {
    if (this.#open) closeDescriptor(this.fd);
    this.#open = false;
  }
}

const EXT_ACK_TEXT = 1;
const EXT_ACK_OFFSET = 2;

/** What an acknowledgement (or the end of a dump) says; undefined is success. Its attributes follow error and header. */
export function refusalOf(message: Message): Refusal | undefined {
  const error = message.body.length >= 4 ? message.body.readInt32LE(0) : 0;
  if (error === 0) return undefined;
  const details = readAttributes(message.body, message.type === MESSAGE_ERROR ? 20 : 4);
  const [text, offset] = [details.get(EXT_ACK_TEXT), details.get(EXT_ACK_OFFSET)];
  return { code: errnoName(-error), ...(text && { reason: textOf(text) }), ...(offset && { offset: offset.readUInt32LE() }) };
}
