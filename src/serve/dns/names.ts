// Domain names on the wire (RFC 1035, sections 3.1 and 4.1.4): labels, compression, limits.

/** A packet that breaks the rules; answered with FORMERR, or not at all. */
export class FormatError extends Error {}

const maxLabel = 63;
const maxName = 255;

export interface ReadName {
  /** Lower-case, without the final dot; '' is the root. */
  name: string;
  /** Offset after the name where it stands, not where a pointer led. */
  next: number;
}

/** Follows pointers backwards only, so that it always ends. Throws FormatError. */
export function readName(packet: Buffer, start: number): ReadName {
  const labels: string[] = [];
  let at = start;
  let next = -1;
  let length = 0;
  for (;;) {
    const size = packet[at];
    if (size === undefined) throw new FormatError('a name runs past the packet');
    if (size === 0) return { name: labels.join('.').toLowerCase(), next: next < 0 ? at + 1 : next };
    if ((size & 0xc0) === 0xc0) {
      const target = ((size & 0x3f) << 8) | (packet[at + 1] ?? 0);
      if (next < 0) next = at + 2;
      if (target >= at) throw new FormatError('a name points forward');
      at = target;
    } else {
      if (size > maxLabel || at + 1 + size > packet.length) throw new FormatError('a label is too long');
      length += size + 1;
      if (length > maxName) throw new FormatError('a name is too long');
      // A dot inside a label is no separator: as a letter that no packet holds it matches no name, and counts as one.
      labels.push(packet.toString('latin1', at + 1, at + 1 + size).replaceAll('.', '\uE000'));
      at += 1 + size;
    }
  }
}

/** Writes names into a packet, pointing at suffixes that already stand in it. */
export class NameWriter {
  readonly #seen = new Map<string, number>();

  /** Remembers where a name that is already in the packet stands, e.g. the question's. */
  remember(name: string, offset: number): void {
    let at = offset;
    for (let rest = name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1 || rest.length)) {
      if (!this.#seen.has(rest)) this.#seen.set(rest, at);
      at += (rest.indexOf('.') + 1 || rest.length + 1);
    }
  }

  /** Returns the offset after the name. */
  write(packet: Buffer, start: number, name: string): number {
    let at = start;
    for (let rest = name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1 || rest.length)) {
      const known = this.#seen.get(rest);
      if (known !== undefined) return packet.writeUInt16BE(0xc000 | known, at);
      if (at < 0x4000) this.#seen.set(rest, at);
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      at = packet.writeUInt8(label.length, at);
      at += packet.write(label, at, 'latin1');
    }
    return packet.writeUInt8(0, at);
  }
}
