// A container's log as kubectl asked for it: all at once, or going on until the container or the reader ends.
import { PassThrough, Readable } from 'node:stream';
import type { LogOptions } from '../../../kube/meaning/pod-access.ts';
import { type ContainerLog, printLine, selectLines } from '../container-log.ts';

function cutTo(limitBytes: number | undefined, text: string): string {
  return limitBytes === undefined ? text : Buffer.from(text).subarray(0, limitBytes).toString();
}

export function readLog(log: ContainerLog, options: LogOptions, now: Date, stop: AbortSignal): Readable {
  const { timestamps, follow, limitBytes } = options;
  const soFar = selectLines(log.lines(), options, now).map((line) => printLine(line, timestamps)).join('');
  if (!follow) return Readable.from([cutTo(limitBytes, soFar)], { objectMode: false });
  const stream = new PassThrough();
  if (soFar !== '') stream.write(soFar);
  const unfollow = log.follow((line) => (line ? stream.write(printLine(line, timestamps)) : stream.end()));
  const end = () => {
    unfollow();
    stream.end();
  };
  stop.addEventListener('abort', end, { once: true });
  stream.once('close', unfollow);
  return stream;
}

