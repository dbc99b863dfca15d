// Which requests need a seat, and what is told to whom gets none. Watches and streams live long and cost little: they
// have none. Health answers and administrators never wait: they must get through when all else is stuck.
import { ApiError } from '../../../kube/meaning/api-error.ts';
import { type ApiRequest, isTrue } from '../request.ts';
import type { FairLimits, FairQueue, Leave } from './fair-queue.ts';

export const defaultLimits: FairLimits = { seats: 600, seatsPerFlow: 200, queuePerFlow: 2000 };

const healthPaths = /^\/(?:healthz|livez|readyz|metrics)(?:\/|$)/;
const longPaths = /\/(?:proxy|log|exec|attach|portforward)(?:\/|$)/;

export function needsSeat({ user, path, query }: ApiRequest): boolean {
  if (user.groups.includes('system:masters') || healthPaths.test(path)) return false;
  return !isTrue(query.get('watch')) && !longPaths.test(path) && !/^\/apis?\/.*\/watch\//.test(path);
}

const nothing: Leave = () => {};

/** Throws ApiError 429. */
export async function takeSeat(queue: FairQueue, request: ApiRequest): Promise<Leave> {
  if (!needsSeat(request)) return nothing;
  const got = await queue.enter(request.user.name, request.stop);
  if (typeof got === 'function') return got;
  throw new ApiError(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });
}
