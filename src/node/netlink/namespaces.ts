// Network namespaces: make, find, enter, remove. One process drives them all through setns (11–16 µs a round trip).
// A window (`inNamespace`) must be fully synchronous: whatever is awaited in it runs back home.
// Sockets opened inside a window stay in that namespace for life; threads and children born in one inherit it,
// so a Worker is never created inside, and libuv's thread pool is started here, before the first window.
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, stat, unlinkSync } from 'node:fs';
import { bindMount, detachMount, setNetworkNamespace, SystemCallError, unshareNetwork } from './ffi.ts';
import { writeSysctlHere } from './sysctl.ts';

/** A pinned network namespace: `/run/netns/<name>`. */
export interface Netns {
  readonly name: string;
  readonly path: string;
}

const pins = '/run/netns';
/** Of the calling thread; `/proc/self` would be the main thread's. */
const ownNamespace = '/proc/thread-self/ns/net';

const homeFd = openSync(ownNamespace, 'r');
// The answer does not matter: libuv starts all threads of its pool at the first request.
stat(pins, () => {});

/** The namespace this thread was started in: the machine's own network. Its path means the same inside a window. */
export const homeNamespace: Netns = { name: '', path: `/proc/${process.pid}/fd/${homeFd}` };

export const namespaceOf = (name: string): Netns => ({ name, path: `${pins}/${name}` });

/** Where the thread is now: windows may be nested, and each leads back to the one around it. */
let currentFd = homeFd;

/** A thread lost in a foreign namespace would do every later thing in the wrong network: better no process. */
function returnTo(fd: number): void {
  try {
    setNetworkNamespace(fd);
    currentFd = fd;
  } catch {
    process.abort();
  }
}

function window<T>(enter: () => number, body: () => T): T {
  const outerFd = currentFd;
  let result: T;
  try {
    currentFd = enter();
    result = body();
  } finally {
    returnTo(outerFd);
  }
  return checked(result);
}

function checked<T>(result: T): T {
  if (result instanceof Promise) throw new TypeError('a namespace window must be synchronous: its body returned a Promise');
  return result;
}

/** Runs the body with this thread inside the namespace. Throws ENOENT when there is no such namespace. */
export function inNamespace<T>(namespace: Netns, body: () => T): T {
  const home = namespace.path === homeNamespace.path;
  // Already there: entering would need rights that a part in its own network does not have.
  if (home && currentFd === homeFd) return checked(body());
  const fd = home ? homeFd : openSync(namespace.path, 'r');
  try {
    return window(() => {
      setNetworkNamespace(fd);
      return fd;
    }, body);
  } finally {
    if (!home) closeSync(fd);
  }
}

/**
 * A fresh namespace with the given sysctls (`net/ipv4/ip_forward` → `1`) set before anything else exists in it.
 * Throws EEXIST when the name is taken. Takes no child process and well under a millisecond.
 */
export function createNamespace(name: string, sysctls: Readonly<Record<string, string>> = {}): Netns {
  const namespace = namespaceOf(name);
  mkdirSync(pins, { recursive: true });
  closeSync(openSync(namespace.path, 'wx'));
  try {
    window(
      () => {
        unshareNetwork();
        return openSync(ownNamespace, 'r');
      },
      () => {
        const freshFd = currentFd;
        try {
          for (const [key, value] of Object.entries(sysctls)) writeSysctlHere(key, value);
          bindMount(ownNamespace, namespace.path);
        } finally {
          closeSync(freshFd);
        }
      },
    );
  } catch (error) {
    unlinkSync(namespace.path);
    throw error;
  }
  return namespace;
}

/** Takes the name away; the kernel tears the namespace down once no process and no socket is left in it. */
export function removeNamespace(namespace: Netns): void {
  try {
    detachMount(namespace.path);
  } catch (error) {
    // EINVAL: a name without a namespace behind it, left by a crash between the two steps of making it.
    if (!(error instanceof SystemCallError && (error.code === 'ENOENT' || error.code === 'EINVAL'))) throw error;
    if (error.code === 'ENOENT') return;
  }
  unlinkSync(namespace.path);
}

/** All pinned namespaces whose name starts so, sorted. */
export function listNamespaces(prefix = ''): Netns[] {
  if (!existsSync(pins)) return [];
  const names = readdirSync(pins, { withFileTypes: true }).map((entry) => entry.name);
  return names.filter((name) => name.startsWith(prefix)).sort().map(namespaceOf);
}
