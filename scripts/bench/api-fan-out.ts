// A change told to a thousand watchers: the server's CPU time for one event to one of them, the write that caused it included.
// Watchers share connections as Go's clients do, 50 on one; beside it the same bytes from a bare node:http2 server.
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { text } from 'node:stream/consumers';
import { ask, type Ground, maps, startGround } from './api-ask.ts';
import { bestInTurn, type Report } from './figure.ts';
import { eventCounter, protobuf } from './watch-reader.ts';

const watchers = 1000;
const rounds = 3;
const objects = 64;
const watched = `${maps}?watch=true&labelSelector=bench%3Dfan-out`;

interface Shape {
  about: string;
  accept: string;
  connections: number;
  /** So many writes at once, which the group commit makes few; of 1 each waits until the last one was told to all. */
  together: number;
  /** In one round. */
  events: number;
}

const json = 'application/json';
const shapes: readonly Shape[] = [
  { about: 'JSON, one at a time', accept: json, connections: 20, together: 1, events: 100 },
  { about: 'JSON, 64 writers', accept: json, connections: 20, together: 64, events: 512 },
  { about: 'protobuf, one at a time', accept: protobuf, connections: 20, together: 1, events: 100 },
  { about: 'protobuf, 64 writers', accept: protobuf, connections: 20, together: 64, events: 512 },
  { about: 'JSON, a connection each, one at a time', accept: json, connections: 1000, together: 1, events: 30 },
];

const shared = (number: number, value: number) => ({ metadata: { name: `shared-${number}`, labels: { bench: 'fan-out' } }, data: { value: String(value) } });

/** Watchers that count what they get. */
async function openWatchers({ session }: Ground, { connections, accept }: Shape, path: string) {
  const sessions = Array.from({ length: connections }, session);
  let missing = 0;
  let allTold = () => {};
  const open = async (_: unknown, i: number) => {
    const stream = sessions[i % connections]!.request({ ':path': path, accept });
    const count = eventCounter(accept);
    stream.on('data', (chunk: Buffer) => {
      missing -= count(chunk);
      if (missing === 0) allTold();
    });
    await once(stream, 'response');
  };
  await Promise.all(Array.from({ length: watchers }, open));
  return {
    /** Resolves when all watchers together were told so many events more. */
    expect(events: number) {
      missing += events;
      return new Promise<void>((resolve) => (allTold = resolve));
    },
    close: () => sessions.forEach((one) => one.destroy()),
  };
}

/** One round on one server. */
async function eventUs(ground: Ground, shape: Shape): Promise<number> {
  const { together, events } = shape;
  const own = ground.session();
  const { expect, close } = await openWatchers(ground, shape, await fromNow(own));
  const start = await ground.usage('cpu');
  for (let done = 0; done < events; done += together) {
    const told = expect(together * watchers);
    await Promise.all(Array.from({ length: together }, (_, i) => put(own, (done + i) % objects, Math.random())));
    await told;
  }
  const end = await ground.usage('cpu');
  close();
  own.destroy();
  return (end.cpuUs - start.cpuUs) / (events * watchers);
}

const put = (session: ClientHttp2Session, number: number, value: number) => ask(session, 'PUT', `${maps}/shared-${number}`, { body: shared(number, value) });

/** A path that watches what comes after this moment. */
async function fromNow(session: ClientHttp2Session): Promise<string> {
  const list = await text(session.request({ ':path': watched.replace('watch=true&', ''), accept: json }).end());
  const { metadata } = JSON.parse(list) as { metadata: { resourceVersion: string } };
  return `${watched}&resourceVersion=${metadata.resourceVersion}`;
}

/** One event as it comes to a watcher. */
async function readEvent({ session }: Ground, accept: string): Promise<Buffer> {
  const own = session();
  const stream = own.request({ ':path': await fromNow(own), accept });
  await once(stream, 'response');
  await put(own, 0, Math.random());
  const count = eventCounter(accept);
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (count(chunk) > 0) break;
  }
  own.destroy();
  return Buffer.concat(chunks);
}

/** Both servers in turn, the best round of each. */
async function compare(ground: Ground, folder: string, shape: Shape): Promise<{ ours: number; floor: number; bytes: number }> {
  const event = await readEvent(ground, shape.accept);
  const floor = await startGround('fan-out-floor.ts', [folder, event.toString('base64')]);
  try {
    const round = (server: Ground) => () => eventUs(server, shape);
    const [ours = 0, least = 0] = await bestInTurn(rounds, [round(ground), round(floor)], Math.min);
    return { ours, floor: least, bytes: event.length };
  } finally {
    floor.stop();
  }
}

function noteOf({ connections, together }: Shape, bytes: number): string {
  const watches = connections === watchers ? '1 watch' : `${watchers / connections} watches`;
  return `${connections} connections of ${watches}, events of ${bytes} bytes, ${together === 1 ? 'the next once all have it' : `${together} at once`}`;
}

export async function measureFanOut(ground: Ground, folder: string, { figure }: Report): Promise<void> {
  const own = ground.session();
  for (let number = 0; number < objects; number++) await ask(own, 'POST', maps, { body: shared(number, 0) });
  own.destroy();
  for (const shape of shapes) {
    const { ours, floor, bytes } = await compare(ground, folder, shape);
    const aim = shape.connections === watchers ? {} : { aim: { atMost: 5 } };
    figure({ about: `one event to one of 1,000 watchers, ${shape.about}`, value: ours, unit: 'µs', peer: { name: 'bare node:http2', value: floor }, ...aim, note: noteOf(shape, bytes) });
  }
}
