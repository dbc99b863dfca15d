// Requests that ask for another protocol on their connection: exec, attach, port-forward, and whatever is proxied.
import { badRequest, unknownResourceError } from '../../../kube/meaning/api-error.ts';
import type { Api, Handler } from '../api.ts';
import { forbiddenTo, resourceAttributes } from '../identity/authorize.ts';
import type { ApiRequest } from '../request.ts';
import { parseResourcePath, targetOf } from '../router.ts';
import { answerExec } from './exec.ts';
import { answerPortForward } from './port-forward.ts';
import { proxyUpgrade } from './proxy-upgrade.ts';
import type { Connection } from './web-socket.ts';

/** The answer to a plain request where only an upgrade makes sense. */
export const needsUpgrade: Handler = async () => {
  throw badRequest('Upgrade request required');
};

/** Takes the connection over, or throws ApiError before anything was written to it. */
export async function answerUpgrade(api: Api, request: ApiRequest, connection: Connection): Promise<void> {
  const path = parseResourcePath(request.path);
  if (!path) throw unknownResourceError();
  const attributes = resourceAttributes(path, request.method === 'GET' ? 'get' : 'create');
  if (!api.authorize(request.user, attributes).allowed) throw forbiddenTo(request.user, attributes);
  const target = targetOf(api.registry, path);
  const about = { target, connection };
  const resource = `${target.resource.kind.apiVersion}/${target.resource.kind.plural}`;
  if (target.subresource === 'proxy') return proxyUpgrade(api, request, about);
  if (resource !== 'v1/pods') throw unknownResourceError();
  if (target.subresource === 'exec' || target.subresource === 'attach') return answerExec(api, request, about);
  if (target.subresource === 'portforward') return answerPortForward(api, request, about);
  throw badRequest(`pods/${target.subresource ?? ''} takes no upgrade`);
}
