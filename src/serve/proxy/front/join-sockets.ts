// Joins two sockets after an upgrade: what one says the other hears, with back-pressure, until both are silent too long.
import type { Socket } from 'node:net';
import type { ProxyContext } from '../proxy-context.ts';
import type { Timed } from '../deadlines.ts';

/** Each side's end is passed on as an end, after what it said; an error on either ends both. Owns both sockets from now on. */
export function joinSockets(client: Socket, upstream: Socket, { deadlines, timeouts }: Pick<ProxyContext, 'deadlines' | 'timeouts'>): void {
  const touch = () => (watch.deadline = performance.now() + timeouts.readMs);
  const cut = () => {
    client.destroy();
    upstream.destroy();
  };
  const watch: Timed = { deadline: 0, expired: cut };
  touch();
  deadlines.add(watch);
  for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
    from.on('data', touch);
    from.on('error', cut);
    from.on('close', () => {
      to.destroySoon();
      if (to.destroyed) deadlines.delete(watch);
    });
    from.pipe(to);
  }
}
