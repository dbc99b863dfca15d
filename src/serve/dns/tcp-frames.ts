// DNS over TCP (RFC 7766): each message behind its length in two bytes.

export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Collects chunks until whole messages are there. */
export class TcpFrames {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (this.#rest.length >= 2 && this.#rest.length >= 2 + this.#rest.readUInt16BE(0)) {
      const size = this.#rest.readUInt16BE(0);
      messages.push(this.#rest.subarray(2, 2 + size));
      this.#rest = this.#rest.subarray(2 + size);
    }
    return messages;
  }
}
