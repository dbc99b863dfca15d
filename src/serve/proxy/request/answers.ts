// The answers that the proxy gives itself: errors, redirects, the default back end.
import { STATUS_CODES } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** `default backend - 404` is what ingress controllers have always said; scripts look for it. */
export function answer(status: number, message?: string): Answer {
  const text = message ?? (status === 404 ? 'default backend - 404' : `${status} ${reasonOf(status)}`);
  return { status, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: `${text}\n` };
}

export const redirect = (status: number, location: string): Answer => ({ status, headers: [['Location', location]], body: '' });

export const reasonOf = (status: number): string => STATUS_CODES[status] ?? 'Unknown';
