// The measured side of the http bench: our L7 proxy alone in a process, one route to one endpoint. Says its port when it serves.
import { logFor } from '../../src/base/run/log.ts';
import { hostSockets } from '../../src/base/run/sockets.ts';
import type { Listener } from '../../src/model/network-model.ts';
import { createProxy } from '../../src/serve/proxy/proxy.ts';

const endpointPort = Number(process.argv[2]);
const origin = { kind: 'Ingress', name: 'bench' };
const endpoints = [{ address: '127.0.0.1', port: endpointPort, local: true, origin }];
const backend = { type: 'endpoints', service: { kind: 'Service', name: 'bench' }, port: 80, endpoints } as const;
const hosts = new Map([['*', { host: '*', origin, routes: [{ match: { type: 'Prefix', path: '/' }, backend, origin } as const] }]]);
const listener: Listener = { key: '*:80', port: 80, protocol: 'HTTP', hosts };

const proxy = createProxy({ sockets: hostSockets, log: logFor('bench'), address: '127.0.0.1', portOf: () => 0 });
await proxy.apply(new Map([[listener.key, listener]]));
process.send!(proxy.addressOf(listener.key)!.port);
