// `packet-stream.ts CLIENT SERVER ADDRESS`: one datagram after the other from one namespace through the node to the other,
// each awaited; tells its parent the longest way and how many there were. Started by node-path.ts.
import koffi from 'koffi';
import { addressBytes, addressOf } from '../../src/base/net/address.ts';
import { AF_INET, bindSocket, openSocket, receiveBytes, sendBytes, SOCK_DGRAM } from '../../src/node/netlink/ffi.ts';
import { inNamespace } from '../../src/node/netlink/namespaces.ts';

const [clientPath = '', serverPath = '', address = ''] = process.argv.slice(2);
const port = 9099;
const libc = koffi.load('libc.so.6');
const connect = libc.func('int connect(int, const uint8_t *, uint32_t)');

const at = (host: string): Buffer => Buffer.concat([Buffer.from([AF_INET, 0, port >> 8, port & 255]), addressBytes(addressOf(host)), Buffer.alloc(8)]);
const open = (path: string): number => inNamespace({ name: path, path }, () => openSocket({ family: AF_INET, type: SOCK_DGRAM, blocking: true }));

const [from, to] = [open(clientPath), open(serverPath)];
bindSocket(to, at('0.0.0.0'));
if (connect(from, at(address), 16) !== 0) throw new Error(`cannot send to ${address}`);

const packet = Buffer.alloc(64);
let [longestMs, packets, stopped] = [0, 0, false];
process.on('message', () => (stopped = true));

/** So many in one go, then a look at the messages. The first ones warm the code up and do not count. */
function burst(): void {
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    sendBytes(from, packet);
    receiveBytes(to, packet, true);
    if (packets++ > 2000) longestMs = Math.max(longestMs, performance.now() - start);
  }
  if (packets === 2200) process.send!(0);
  if (!stopped) setImmediate(burst);
  else process.send!({ longestMs, packets }, () => process.exit());
}
burst();
