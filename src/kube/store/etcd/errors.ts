// What etcd's troubles mean to the API's clients: try again, or this can never be stored.
import { status } from '@grpc/grpc-js';
import { ApiError, internalError } from '../../meaning/api-error.ts';
import { EtcdError } from './etcd-client.ts';

/** Nobody knows whether the write was carried out. */
export const timedOut = (): ApiError => new ApiError(504, 'Timeout', 'Timeout: etcd did not answer in time', { retryAfterSeconds: 1 });

export function apiErrorOf(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  if (error.unavailable) return timedOut();
  if (/request is too large/.test(error.message)) {
    return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${error.message}`);
  }
  // Full (`mvcc: database space exceeded`) or overloaded: the operator must read which.
  if (error.code === status.RESOURCE_EXHAUSTED) return new ApiError(503, 'ServiceUnavailable', `etcd refuses writes: ${error.message}`, { retryAfterSeconds: 5 });
  return internalError(error.message);
}
