// Counts the events of a watch as they come, in JSON (lines) or protobuf (frames behind their length of 4 bytes).
export type EventCounter = (chunk: Buffer) => number;

export const protobuf = 'application/vnd.kubernetes.protobuf';

function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  return lines;
}

/** Frames may be cut anywhere, also in their length. */
function frameCounter(): EventCounter {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let frames = 0;
    let at = 0;
    while (rest.length >= at + 4 && rest.length >= at + 4 + rest.readUInt32BE(at)) {
      at += 4 + rest.readUInt32BE(at);
      frames += 1;
    }
    rest = rest.subarray(at);
    return frames;
  };
}

export const eventCounter = (accept: string): EventCounter => (accept === protobuf ? frameCounter() : countLines);
