// Several byte streams over one WebSocket: the first byte of each message names the channel (v4 and v5.channel.k8s.io).
// v5 adds 255, a channel's end (https://kubernetes.io/blog/2024/08/20/websockets-transition/).
import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';

export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const closeSignal = 255;

export interface Channels {
  /** Both directions of one channel; ending it tells nobody (only the client can end a channel). */
  open(channel: number): Duplex;
  /** Closes the WebSocket once all that was written has left. */
  close(): void;
}

const asBuffer = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer));

export function createChannels(socket: WebSocket): Channels {
  const channels = new Map<number, Duplex>();
  socket.on('message', (data) => {
    const message = asBuffer(data);
    if (message.length === 0) return;
    if (message[0] === closeSignal) channels.get(message[1] ?? closeSignal)?.push(null);
    else if (message.length > 1 && channels.get(message[0]!)?.push(message.subarray(1)) === false) socket.pause();
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    for (const channel of channels.values()) channel.destroy();
  });
  return {
    open(number) {
      const channel = new Duplex({
        read: () => socket.resume(),
        write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.from([number]), chunk]), done),
      });
      channel.on('error', () => {});
      channels.set(number, channel);
      return channel;
    },
    close: () => socket.close(1000),
  };
}
