// The worker in which all stand-ins of all nodes of this process live: one thread instead of one process per pod.
import { parentPort } from 'node:worker_threads';
import { namespaceSockets } from '../../netlink/namespace-sockets.ts';
import type { FromEcho, ToEcho } from './echo-messages.ts';
import { type EchoServer, serveEcho } from './echo-server.ts';

const servers = new Map<number, EchoServer>();
const tell = (message: FromEcho) => parentPort!.postMessage(message);

/** Under load the log may not cost more than the answers: per turn this many lines, the rest is counted. */
const mostLinesPerTurn = 200;
let lines: [number, string][] = [];
let left = 0;

function log(id: number, line: string): void {
  if (lines.length === 0) setImmediate(sendLog);
  if (lines.length < mostLinesPerTurn) lines.push([id, line]);
  else left++;
}

function sendLog(): void {
  const last = lines.at(-1);
  if (left > 0 && last) lines.push([last[0], `(${left} more lines left out)`]);
  tell({ say: 'log', lines });
  lines = [];
  left = 0;
}

async function open(message: Extract<ToEcho, { say: 'open' }>): Promise<void> {
  const { id, identity, ports, namespace } = message;
  try {
    servers.set(id, await serveEcho({ identity, ports, sockets: namespaceSockets(namespace), log: (line) => log(id, line) }));
    tell({ say: 'opened', id });
  } catch (error) {
    // The container fails as a real server would whose port is taken; its status and log say why.
    tell({ say: 'failed', id, message: (error as Error).message });
  }
}

async function close(id: number): Promise<void> {
  await servers.get(id)?.close();
  servers.delete(id);
  tell({ say: 'closed', id });
}

function destroy(id: number): void {
  servers.get(id)?.destroy();
  servers.delete(id);
  tell({ say: 'closed', id });
}

parentPort!.on('message', (message: ToEcho) => {
  if (message.say === 'open') void open(message);
  else if (message.say === 'close') void close(message.id);
  else destroy(message.id);
});
