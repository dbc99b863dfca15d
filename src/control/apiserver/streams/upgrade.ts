// Requests that ask for another protocol: exec, attach, port-forward.
import type { Duplex } from 'node:stream';
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { Api, Handler } from '../api.ts';
import type { ApiRequest } from '../request.ts';

export const needsUpgrade: Handler = async () => {
  throw badRequest('Upgrade request required');
};

export async function answerUpgrade(_api: Api, _request: ApiRequest, _connection: { socket: Duplex; head: Buffer }): Promise<void> {
  throw badRequest('Upgrade request required');
}
