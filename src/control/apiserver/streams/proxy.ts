// pods/x/proxy and services/x/proxy.
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { Handler } from '../api.ts';

export const proxyToPod: Handler = async () => {
  throw new ApiError(503, 'ServiceUnavailable', 'not yet');
};
export const proxyToService = proxyToPod;
