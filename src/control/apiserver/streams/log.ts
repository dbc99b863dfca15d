// GET pods/x/log: the output of a container, as plain text, and with `follow` for as long as it goes on.
import { ApiError, notFoundError } from '../../../kube/meaning/api-error.ts';
import type { LogOptions, PodAccess } from '../../../kube/meaning/pod-access.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { type Api, seenObject } from '../api.ts';
import { type Answer, type ApiRequest, isTrue } from '../request.ts';
import type { Target } from '../router.ts';

/** Throws ApiError 404 for a pod that is not there. */
export function seenPod(api: Api, target: Target): Pod {
  const pod = seenObject(api.store.snapshot(), target) as Pod | undefined;
  if (!pod) throw notFoundError(target.resource.kind, target.name ?? '');
  return pod;
}

export function accessOf({ podAccess }: Api): PodAccess {
  if (!podAccess) throw new ApiError(503, 'ServiceUnavailable', 'no node serves pods here');
  return podAccess;
}

const count = (text: string | null): number | undefined => (text === null || text === '' ? undefined : Number(text));

function readLogOptions(query: URLSearchParams): LogOptions {
  return {
    container: query.get('container') ?? undefined,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: count(query.get('tailLines')),
    sinceSeconds: count(query.get('sinceSeconds')),
    sinceTime: query.get('sinceTime') ?? undefined,
    limitBytes: count(query.get('limitBytes')),
  };
}

export async function answerLog(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const pod = seenPod(api, target);
  const output = await accessOf(api).logs(pod, readLogOptions(request.query), request.stop);
  return {
    code: 200,
    headers: { 'content-type': 'text/plain' },
    async stream(send) {
      const end = () => output.destroy();
      request.stop.addEventListener('abort', end, { once: true });
      try {
        for await (const chunk of output) await send(chunk as Buffer);
      } catch (error) {
        // The reader left, which destroyed the output; anything else is told by the broken stream.
        if (!request.stop.aborted) throw error;
      } finally {
        request.stop.removeEventListener('abort', end);
      }
    },
  };
}
