// One side of the connect bench, in a process of its own: `accept ADDRESS PORT` for ever, or `connect ADDRESS PORT`
// some thousand times, then print what one took. Blocking system calls in a loop: as little as possible beside the kernel.
import koffi from 'koffi';
import { closeDescriptor, openSocket, AF_INET, bindSocket, setSocketOption, SOCK_STREAM } from '../../src/node/netlink/ffi.ts';
import { addressBytes, addressOf } from '../../src/base/net/address.ts';

const libc = koffi.load('libc.so.6');
const connect = libc.func('int connect(int, const uint8_t *, uint32_t)');
const listen = libc.func('int listen(int, int)');
const accept = libc.func('int accept(int, void *, void *)');

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_LINGER = 13;
const one = Buffer.from([1, 0, 0, 0]);
/** Closing resets the connection: no port waits for stray packets, of which thousands would run out. */
const lingerNot = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

const batches = 16;
const perBatch = 250;

const [verb, address = '', port = ''] = process.argv.slice(2);
const to = Buffer.alloc(16);
to.writeUInt16LE(AF_INET);
to.writeUInt16BE(Number(port), 2);
to.set(addressBytes(addressOf(address)), 4);

const open = (): number => openSocket({ family: AF_INET, type: SOCK_STREAM, blocking: true });

function serve(): never {
  const fd = open();
  setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, one);
  bindSocket(fd, to, address);
  if (Number(listen(fd, 1024)) < 0) throw new Error('listen');
  process.stdout.write('listening\n');
  for (;;) {
    const peer = Number(accept(fd, null, null));
    if (peer >= 0) closeDescriptor(peer);
  }
}

function connectOnce(): void {
  const fd = open();
  setSocketOption(fd, SOL_SOCKET, SO_LINGER, lingerNot);
  if (Number(connect(fd, to, to.length)) < 0) throw new Error(`connect to ${address}:${port}: errno ${koffi.errno()}`);
  closeDescriptor(fd);
}

/** Of the best batch: what else runs on the machine disturbs some of them. */
function ask(): { microseconds: number; cpuMicroseconds: number } {
  let [microseconds, cpuMicroseconds] = [Infinity, Infinity];
  for (let batch = 0; batch < batches; batch++) {
    const [startMs, before] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < perBatch; i++) connectOnce();
    const { user, system } = process.cpuUsage(before);
    microseconds = Math.min(microseconds, ((performance.now() - startMs) * 1000) / perBatch);
    cpuMicroseconds = Math.min(cpuMicroseconds, (user + system) / perBatch);
  }
  return { microseconds, cpuMicroseconds };
}

if (verb === 'accept') serve();
console.log(JSON.stringify(ask()));
