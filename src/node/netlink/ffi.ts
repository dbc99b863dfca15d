// The C library, called in process: the few system calls that Node has no words for.
// Each throws SystemCallError with the kernel's own code (EADDRINUSE …). A call costs about 0.3 µs.
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/** Looks like Node's own system errors, so that callers need not know where it came from. */
export class SystemCallError extends Error {
  /** `ENOENT` … */
  readonly code: string;
  /** Negative, as in Node. */
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, about: string) {
    const code = errnoName(errno);
    super(`${syscall} ${code}${about === '' ? '' : ` ${about}`}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

/** `ENOENT` for 2; numbers that libuv has no name for print as `errno 95`. */
export function errnoName(errno: number): string {
  const name = getSystemErrorName(-errno);
  return name.startsWith('Unknown') ? `errno ${errno}` : name;
}

function loadLibc(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libc.so.6');
  } catch {
    // Not glibc: musl names its library so.
    return koffi.load('libc.so');
  }
}

const libc = loadLibc();

const call = {
  setns: libc.func('int setns(int, int)'),
  unshare: libc.func('int unshare(int)'),
  mount: libc.func('int mount(const char *, const char *, const char *, unsigned long, const char *)'),
  umount2: libc.func('int umount2(const char *, int)'),
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const uint8_t *, uint32_t)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
  getsockopt: libc.func('int getsockopt(int, int, int, _Inout_ uint8_t *, _Inout_ uint32_t *)'),
  send: libc.func('int64_t send(int, const uint8_t *, size_t, int)'),
  recv: libc.func('int64_t recv(int, _Out_ uint8_t *, size_t, int)'),
  poll: libc.func('int poll(_Inout_ uint8_t *, unsigned long, int)'),
  close: libc.func('int close(int)'),
  pipe2: libc.func('int pipe2(_Out_ int *, int)'),
  ioctl: libc.func('int ioctl(int, unsigned long, _Inout_ uint8_t *)'),
  bpf: libc.func('long syscall(long, int, _Inout_ uint8_t *, uint32_t)'),
};

/** Every call here answers −1 for failure. koffi keeps errno per thread; it must be read before any other call. */
function checked(syscall: keyof typeof call, result: unknown, about = ''): number {
  if (Number(result) >= 0) return Number(result);
  throw new SystemCallError(syscall, koffi.errno(), about);
}

const NEW_NETWORK = 0x40000000;
const BIND_MOUNT = 0x1000;
const DETACH = 2;
const EIO = 5;

export const setNetworkNamespace = (fd: number): void => void checked('setns', call.setns(fd, NEW_NETWORK));
/** The calling thread, alone, moves to a fresh network namespace. */
export const unshareNetwork = (): void => void checked('unshare', call.unshare(NEW_NETWORK));
export const bindMount = (source: string, target: string): void =>
  void checked('mount', call.mount(source, target, 'none', BIND_MOUNT, null), `${source} on ${target}`);
/** Lazy: the mount vanishes from sight at once even while it is in use. */
export const detachMount = (target: string): void => void checked('umount2', call.umount2(target, DETACH), target);

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
const NON_BLOCKING = 0o4000;
const CLOSE_ON_EXEC = 0o2000000;

export interface SocketKind {
  readonly family: number;
  readonly type: number;
  readonly protocol?: number;
  /** Node's own sockets must not block; netlink conversations here do. */
  readonly blocking?: boolean;
}

/** A file descriptor; belongs for life to the network namespace that the thread is in. */
export const openSocket = ({ family, type, protocol = 0, blocking = false }: SocketKind): number =>
  checked('socket', call.socket(family, type | CLOSE_ON_EXEC | (blocking ? 0 : NON_BLOCKING), protocol));

export const bindSocket = (fd: number, address: Uint8Array, about = ''): void =>
  void checked('bind', call.bind(fd, address, address.length), about);

export const setSocketOption = (fd: number, level: number, option: number, value: Uint8Array): void =>
  void checked('setsockopt', call.setsockopt(fd, level, option, value, value.length));

/** A 32-bit option. */
export function getSocketOption(fd: number, level: number, option: number): number {
  const value = Buffer.alloc(4);
  checked('getsockopt', call.getsockopt(fd, level, option, value, [4]));
  return value.readInt32LE();
}

/** One datagram. Returns the number of bytes taken. */
export const sendBytes = (fd: number, bytes: Uint8Array, length = bytes.length): number =>
  checked('send', call.send(fd, bytes, length, 0));

/** The same in a thread of libuv's pool, for requests on which the kernel ponders long. Errno is lost on that way. */
export const sendBytesAside = (fd: number, bytes: Uint8Array, length: number): Promise<void> =>
  new Promise((resolve, reject) => {
    call.send.async(fd, bytes, length, 0, (error: Error | null, sent: unknown) => {
      if (error ?? Number(sent) < 0) reject(error ?? new SystemCallError('send', EIO, `${length} bytes`));
      else resolve();
    });
  });

const DONT_WAIT = 0x40;

/** One datagram into `buffer`; undefined when none is waiting and `wait` is false. */
export function receiveBytes(fd: number, buffer: Uint8Array, wait: boolean): number | undefined {
  const got = Number(call.recv(fd, buffer, buffer.length, wait ? 0 : DONT_WAIT));
  if (got >= 0) return got;
  const error = new SystemCallError('recv', koffi.errno(), '');
  if (!wait && error.code === 'EAGAIN') return undefined;
  throw error;
}

const READABLE = 1;

/** Which of the descriptors can be read, after at most `timeoutMs`. Blocks the thread: for workers. */
export function readableOf(fds: readonly number[], timeoutMs: number): number[] {
  const entries = Buffer.alloc(8 * fds.length);
  for (const [index, fd] of fds.entries()) {
    entries.writeInt32LE(fd, 8 * index);
    entries.writeInt16LE(READABLE, 8 * index + 4);
  }
  checked('poll', call.poll(entries, fds.length, timeoutMs));
  return fds.filter((_, index) => entries.readInt16LE(8 * index + 6) !== 0);
}

/** Descriptors [read end, write end]. Node's own child pipes are sockets, which nobody can open as /dev/stdout. */
export function openPipe(): readonly [number, number] {
  const ends = [0, 0];
  checked('pipe2', call.pipe2(ends, CLOSE_ON_EXEC));
  return [ends[0]!, ends[1]!];
}

/** The request's argument is read from, and its answer written to, `bytes`. */
export const controlDevice = (fd: number, request: number, bytes: Uint8Array): void =>
  void checked('ioctl', call.ioctl(fd, request, bytes));

/** glibc has no word for bpf(2), so it goes by its number. */
export const bpfCall = (number: number, command: number, attributes: Uint8Array, about: string): number =>
  checked('bpf', call.bpf(number, command, attributes, attributes.length), about);

/** For structures that hold pointers. The bytes must be referred to until the call is over, or they may be gone. */
export const pointerTo = (bytes: Uint8Array): bigint => BigInt(koffi.address(bytes));

export const closeDescriptor = (fd: number): void => void checked('close', call.close(fd));
