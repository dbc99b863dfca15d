// Header blocks of SPDY/3: name and value pairs, compressed as one endless zlib stream in each direction.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './spdy-dictionary.ts';

export type SpdyHeaders = ReadonlyMap<string, string>;

export interface HeaderCoder {
  /** Blocks must be given in the order they came, one at a time. */
  decode(block: Uint8Array): Promise<SpdyHeaders>;
  encode(headers: SpdyHeaders): Promise<Buffer>;
  close(): void;
}

/** Feeds one block through the stream and waits for all it yields. */
function pass(stream: Inflate | Deflate, block: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer) => chunks.push(chunk);
    stream.on('data', collect);
    stream.once('error', reject);
    stream.write(block);
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off('data', collect);
      stream.off('error', reject);
      resolve(Buffer.concat(chunks));
    });
  });
}

export function createHeaderCoder(): HeaderCoder {
  const inflate = createInflate({ dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH });
  const deflate = createDeflate({ dictionary: spdyDictionary });
  return {
    decode: async (block) => parseHeaders(await pass(inflate, block)),
    encode: (headers) => pass(deflate, printHeaders(headers)),
    close() {
      inflate.close();
      deflate.close();
    },
  };
}

export function parseHeaders(block: Buffer): SpdyHeaders {
  let at = 4;
  const readText = () => {
    const length = block.readUInt32BE(at);
    const text = block.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    return text;
  };
  const headers = new Map<string, string>();
  for (let left = block.readUInt32BE(0); left > 0; left -= 1) {
    const name = readText();
    headers.set(name.toLowerCase(), readText());
  }
  return headers;
}

export function printHeaders(headers: SpdyHeaders): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const text = (value: string) => [number(Buffer.byteLength(value)), Buffer.from(value)];
  return Buffer.concat([number(headers.size), ...[...headers].flatMap(([name, value]) => [...text(name), ...text(value)])]);
}
