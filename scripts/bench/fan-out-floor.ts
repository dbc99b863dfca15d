// What telling watchers costs at the least in this runtime: TLS and HTTP/2 by node:http2 and nothing else. Every PUT is an
// event, the given bytes, for all who watch; what comes within one turn of the event loop leaves as one write.
import type { AddressInfo } from 'node:net';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { answerUsage } from './api-ask.ts';

const [folder = '', encoded = ''] = process.argv.slice(2);
const certificates = await openCertificates({ folder: join(folder, 'floor-pki'), servingNames: ['127.0.0.1'] });
const event = Buffer.from(encoded, 'base64');
const watching = new Set<ServerHttp2Stream>();
let events = 0;

function tellAll(): void {
  const bytes = Buffer.concat(Array.from({ length: events }, () => event));
  events = 0;
  for (const stream of watching) stream.write(bytes);
}

function change(stream: ServerHttp2Stream): void {
  stream.resume().on('end', () => {
    if (events === 0) setImmediate(tellAll);
    events += 1;
    stream.end();
  });
}

function watch(stream: ServerHttp2Stream): void {
  watching.add(stream);
  stream.on('close', () => watching.delete(stream));
}

const server = createSecureServer({ key: certificates.serving.key, cert: certificates.serving.cert, settings: { maxConcurrentStreams: 1000 } });
server.on('secureConnection', (socket) => socket.setNoDelay(true));
server.on('stream', (stream, { ':method': method, ':path': path }) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200 });
  if (method === 'PUT') change(stream);
  else if (path?.includes('watch=true')) watch(stream);
  // A list, which says from when to watch.
  else stream.end(JSON.stringify({ metadata: { resourceVersion: '0' } }));
});
server.listen(0, '127.0.0.1', () => {
  answerUsage();
  const { port } = server.address() as AddressInfo;
  process.send!({ port, ca: certificates.ca.cert });
});
