// Ctrl-C, and the polite signals of init systems.

/** Resolves at the first of them; counts from the call on. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
