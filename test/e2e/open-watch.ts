// A watch as tests read it: one event after the other.
import { request as httpsRequest } from 'node:https';
import type { ApiUnderTest } from './api-under-test.ts';

export interface OpenWatch {
  headers: Record<string, unknown>;
  // eslint-disable-next-line typescript/no-explicit-any -- objects of every shape
  next(): Promise<{ type: string; object: any } | undefined>;
  /** Reads until the event fits. */
  // eslint-disable-next-line typescript/no-explicit-any -- objects of every shape
  until(fits: (event: { type: string; object: any }) => boolean): Promise<{ type: string; object: any }>;
  close(): void;
}

/** Resolves as soon as the headers are there. */
export function openWatch(api: ApiUnderTest, path: string, accept = 'application/json'): Promise<OpenWatch> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({ host: '127.0.0.1', port: api.port, agent: api.agent, path, headers: { accept } }, (response) => {
      const lines = readLines(response);
      const next = async () => {
        const { value, done } = await lines.next();
        return done ? undefined : JSON.parse(value);
      };
      resolve({
        headers: response.headers,
        next,
        async until(fits) {
          for (;;) {
            const event = await next();
            if (!event) throw new Error('the watch ended');
            if (fits(event)) return event;
          }
        },
        close: () => outgoing.destroy(),
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of chunks) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } catch {
    // The test closed the watch.
  }
}
