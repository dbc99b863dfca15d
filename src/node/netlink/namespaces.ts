// Network namespaces: make, find, enter, remove. One process drives them all through setns (11–16 µs a round trip).
// A window (`inNamespace`) must be fully synchronous: whatever is awaited in it runs back home.
// Sockets opened inside a window stay in that namespace for life.

/** A pinned network namespace: `/run/netns/<name>`. */
export interface Netns {
  readonly name: string;
  readonly path: string;
}

export function inNamespace<T>(_namespace: Netns, _body: () => T): T {
  throw new Error('node/netlink is being written');
}
