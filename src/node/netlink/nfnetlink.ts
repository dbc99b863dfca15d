// Set elements of nf_tables, sent as transactions: all changes of a batch happen or none, and one change costs 0.05 ms.
// Whom it serves: the ruleset driver; chains and rules go by nft's text. A batch that the socket cannot take in one
// piece (as nobody: net.core.wmem_max; as root never) is split, and then each part is a transaction of its own.
import type { Element } from '../nft/ruleset.ts';
import { putElement, type SetShape } from './element-codec.ts';
import {
  ACK,
  beginMessage,
  closeNest,
  CREATE,
  endMessage,
  eachAttribute,
  HEADER_BYTES,
  MESSAGE_ERROR,
  type MessageWriter,
  newWriter,
  openNest,
  putText,
  REQUEST,
} from './message.ts';
import type { Netns } from './namespaces.ts';
import { NetlinkError, NetlinkSocket, type Refusal, refusalOf } from './netlink-socket.ts';

/** Elements of one set that come or go together. In a batch: removals of a key before its return. */
export interface ElementChange {
  readonly op: 'add' | 'delete';
  readonly set: SetShape;
  /** Walked once, while the batches are written; and again to name a culprit. */
  readonly elements: Iterable<Element>;
}

const NETFILTER = 12;
const NFTABLES = 10;
const BATCH_BEGIN = 16;
const BATCH_END = 17;
const DELETE_TABLE = (NFTABLES << 8) | 2;
const NEW_ELEMENTS = (NFTABLES << 8) | 12;
const DELETE_ELEMENTS = (NFTABLES << 8) | 14;
const FAMILY_INET = 1;
const TABLE_NAME = 1;
const LIST_TABLE = 1;
const LIST_SET = 2;
const LIST_ELEMENTS = 3;

const WISHED_BUFFER = 64 * 1024 * 1024;
/** An attribute's length has 16 bits; a last element of a few hundred bytes must still fit. */
const MESSAGE_BYTES = 60_000;
/** Larger batches are handed to a thread of the pool, so that this one is not held up for 0.1 ms and more. */
const ASIDE_BYTES = 32 * 1024;
/**
 * A piece is one system call of some milliseconds, and most kernels finish one before anybody else gets that core: with
 * 1 MB, a process beside it waited for 50 ms (6.18, PREEMPT_NONE). Smaller pieces cost no more in all.
 */
const PIECE_BYTES = 128 * 1024;

/** Larger writers are let go when a transaction is over. */
const KEPT_BYTES = 64 * 1024;

/** struct nfgenmsg */
const familyHeader = (family: number, subsystem: number) => Buffer.from([family, 0, subsystem >> 8, subsystem & 0xff]);

/** What a message of a batch was about, for telling whose fault a refusal was. */
interface Part {
  readonly table: string;
  readonly change: ElementChange;
  readonly from: number;
  readonly at: number;
}

/** What is still to be written of a change. */
interface Feed {
  readonly rest: Iterator<Element>;
  next: IteratorResult<Element>;
  /** Number of the next one. */
  index: number;
}

interface Batch {
  readonly writer: MessageWriter;
  readonly parts: Map<number, Part>;
  /** Asked to acknowledge: always the last one. */
  last: { at: number; sequence: number };
}

export interface BatchOptions {
  readonly inPieces?: boolean;
  readonly after?: Promise<void>;
}

export class Nfnetlink {
  readonly namespace: Netns;
  readonly #socket: NetlinkSocket;
  readonly #batchBytes: number;
  /** One is written while the kernel takes in what is in the other. */
  #writers: [MessageWriter, MessageWriter] = [newWriter(), newWriter()];

  constructor(namespace: Netns, bufferBytes = WISHED_BUFFER) {
    this.namespace = namespace;
    this.#socket = new NetlinkSocket(namespace, NETFILTER);
    this.#socket.setBuffers(bufferBytes);
    this.#batchBytes = this.#socket.largestSend() - MESSAGE_BYTES - 1024;
  }

  /**
   * Calls must not overlap. Rejects with NetlinkError that names the set and, where the kernel tells, the element.
   * `inPieces`: need not be one transaction, as no packet meets the table yet; the kernel then takes in one piece
   * while the next is being written. `after`: nothing is sent before that.
   */
  async sendBatch(table: string, changes: readonly ElementChange[], { inPieces = false, after = Promise.resolve() }: BatchOptions = {}): Promise<void> {
    let underWay = after;
    if (inPieces) this.#writers = [newWriter(PIECE_BYTES + 2 * MESSAGE_BYTES), newWriter(PIECE_BYTES + 2 * MESSAGE_BYTES)];
    try {
      for (const batch of this.#encode(table, changes, inPieces ? Math.min(PIECE_BYTES, this.#batchBytes) : this.#batchBytes)) {
        await underWay;
        underWay = this.#deliver(batch);
      }
    } finally {
      await underWay;
      if (this.#writers.some(({ bytes }) => bytes.length > KEPT_BYTES)) this.#writers = [newWriter(), newWriter()];
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    if (batch.writer.length > ASIDE_BYTES) await this.#socket.sendAside(batch.writer);
    else this.#socket.send(batch.writer);
    this.#readAnswers(batch);
  }

  *#encode(table: string, changes: readonly ElementChange[], batchBytes: number): Generator<Batch> {
    let batch = this.#beginBatch();
    for (const change of changes) {
      const rest = change.elements[Symbol.iterator]();
      const feed: Feed = { rest, next: rest.next(), index: 0 };
      while (!feed.next.done) {
        this.#putPart(batch, { table, change, from: feed.index, at: batch.writer.length }, feed);
        if (batch.writer.length < batchBytes) continue;
        yield this.#endBatch(batch);
        batch = this.#beginBatch();
      }
    }
    if (batch.parts.size > 0) yield this.#endBatch(batch);
  }

  #beginBatch(): Batch {
    this.#writers.reverse();
    const [writer] = this.#writers;
    writer.length = 0;
    const batch = { writer, parts: new Map<number, Part>(), last: { at: 0, sequence: 0 } };
    this.#putEmpty(batch, BATCH_BEGIN);
    return batch;
  }

  #putEmpty({ writer }: Batch, type: number): void {
    const header = { type, flags: REQUEST, sequence: this.#socket.nextSequence() };
    endMessage(writer, beginMessage(writer, header, familyHeader(0, NFTABLES)));
  }

  /** Writes as many elements as one message takes. */
  #putPart(batch: Batch, part: Part, feed: Feed): void {
    const { writer } = batch;
    const { op, set } = part.change;
    const sequence = this.#socket.nextSequence();
    const [type, flags] = op === 'add' ? [NEW_ELEMENTS, REQUEST | CREATE] : [DELETE_ELEMENTS, REQUEST];
    const mark = beginMessage(writer, { type, flags, sequence }, familyHeader(FAMILY_INET, 0));
    putText(writer, LIST_TABLE, part.table);
    putText(writer, LIST_SET, set.name);
    const list = openNest(writer, LIST_ELEMENTS);
    for (; !feed.next.done && writer.length - mark < MESSAGE_BYTES; feed.next = feed.rest.next(), feed.index++) putElement(writer, set, feed.next.value, op === 'add');
    closeNest(writer, list);
    endMessage(writer, mark);
    batch.parts.set(sequence, part);
    batch.last = { at: mark, sequence };
  }

  #endBatch(batch: Batch): Batch {
    const { bytes } = batch.writer;
    bytes.writeUInt16LE(bytes.readUInt16LE(batch.last.at + 6) | ACK, batch.last.at + 6);
    this.#putEmpty(batch, BATCH_END);
    return batch;
  }

  /** The kernel has answered when send returns: each refused message, and the last one in any case. */
  #readAnswers(batch: Batch): void {
    let first: NetlinkError | undefined;
    let done = false;
    for (let messages = this.#socket.receive(); messages; messages = this.#socket.receive(false)) {
      for (const message of messages) {
        if (message.type !== MESSAGE_ERROR) continue;
        const refusal = refusalOf(message);
        if (refusal) first ??= new NetlinkError(wordsOf(batch, message.sequence, refusal), refusal);
        done ||= message.sequence === batch.last.sequence;
      }
    }
    if (first) throw first;
    if (!done) throw new Error('nf_tables left a batch unanswered');
  }

  /** Gone already is fine. Rejects with NetlinkError. */
  async deleteTable(table: string): Promise<void> {
    const batch = this.#beginBatch();
    const sequence = this.#socket.nextSequence();
    batch.last = { at: batch.writer.length, sequence };
    const header = { type: DELETE_TABLE, flags: REQUEST, sequence };
    const mark = beginMessage(batch.writer, header, familyHeader(FAMILY_INET, 0));
    putText(batch.writer, TABLE_NAME, table);
    endMessage(batch.writer, mark);
    await this.#socket.sendAside(this.#endBatch(batch).writer);
    try {
      this.#readAnswers(batch);
    } catch (error) {
      if (!(error instanceof NetlinkError && error.code === 'ENOENT')) throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

export const openNfnetlink = (namespace: Netns): Nfnetlink => new Nfnetlink(namespace);

/** The refused message as an nft command, narrowed to one element where the kernel pointed at one. */
function wordsOf(batch: Batch, sequence: number, { offset }: Refusal): string {
  const part = batch.parts.get(sequence);
  if (!part) return 'nft transaction';
  const { op, set } = part.change;
  const elements = [...part.change.elements];
  const command = `nft ${op} element inet ${part.table} ${set.name}`;
  const culprit = offset === undefined ? undefined : elements[elementAt(batch.writer, { ...part, elements }, offset)];
  return culprit ? `${command} { ${culprit.key.join(' . ')} }` : `${command} { … ${elements.length} elements }`;
}

/** Which element lies at the offset: writes the part's elements again, one by one, until it is passed. */
function elementAt({ bytes }: MessageWriter, { at, change, from, elements }: Part & { elements: readonly Element[] }, offset: number): number {
  const message = bytes.subarray(at, at + bytes.readUInt32LE(at));
  let position = HEADER_BYTES + 4;
  for (const [type, value] of eachAttribute(message, position)) {
    if (type === LIST_ELEMENTS) break;
    position += 4 + ((value.length + 3) & ~3);
  }
  const again = newWriter();
  for (let index = from; index < elements.length; index++) {
    putElement(again, change.set, elements[index]!, change.op === 'add');
    if (position + 4 + again.length > offset) return index;
  }
  return elements.length;
}
