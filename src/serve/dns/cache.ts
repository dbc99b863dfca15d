// Remembers other servers' answers for as long as they allow, and counts their times to live down (DNS-67).
// Bounded: the oldest entry goes when there are too many.
import type { Clock } from '../../base/run/clock.ts';
import { FormatError } from './names.ts';
import { negativeSeconds, readForeignMessage } from './upstream-message.ts';

export interface AnswerCache {
  /** Not to be changed: askers share it. */
  get(key: string): Buffer | undefined;
  put(key: string, answer: Buffer): void;
}

export interface CacheLimits {
  entries: number;
  positiveSeconds: number;
  negativeSeconds: number;
}

/** With the number of entries this bounds the memory: 10,000 × 4 KiB. Longer answers are rare, and asked for again. */
const longestAnswer = 4096;

const defaultLimits: CacheLimits = { entries: 10_000, positiveSeconds: 3600, negativeSeconds: 1800 };

interface Entry {
  answer: Buffer;
  ttlsAt: number[];
  storedMs: number;
  expiresMs: number;
}

export function createAnswerCache(clock: Pick<Clock, 'now'>, limits: CacheLimits = defaultLimits): AnswerCache {
  const entries = new Map<string, Entry>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      const nowMs = clock.now().getTime();
      if (nowMs < entry.expiresMs) return aged(entry, Math.floor((nowMs - entry.storedMs) / 1000));
      entries.delete(key);
      return undefined;
    },
    put(key, answer) {
      const seconds = answer.length > longestAnswer ? undefined : lifetime(answer, limits);
      if (!seconds) return;
      entries.delete(key);
      if (entries.size >= limits.entries) entries.delete(entries.keys().next().value!);
      const storedMs = clock.now().getTime();
      entries.set(key, { answer, ttlsAt: seconds.ttlsAt, storedMs, expiresMs: storedMs + seconds.lifetime * 1000 });
    },
  };
}

/** Truncated, failed or broken answers are not kept. */
function lifetime(answer: Buffer, limits: CacheLimits): { lifetime: number; ttlsAt: number[] } | undefined {
  try {
    const { code, truncated, all, answers } = readForeignMessage(answer);
    if (truncated || (code !== 0 && code !== 3) || all.length === 0) return undefined;
    const isPositive = code === 0 && answers.length > 0;
    const cap = isPositive ? limits.positiveSeconds : Math.min(limits.negativeSeconds, negativeSeconds(answer, all) ?? 0);
    const shortest = Math.min(cap, ...all.map(({ ttlSeconds }) => ttlSeconds));
    return shortest > 0 ? { lifetime: shortest, ttlsAt: all.map(({ ttlAt }) => ttlAt) } : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function aged({ answer, ttlsAt }: Entry, seconds: number): Buffer {
  const copy = Buffer.from(answer);
  for (const at of ttlsAt) copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(at) - seconds), at);
  return copy;
}
