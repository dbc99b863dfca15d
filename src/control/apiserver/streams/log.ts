// GET pods/x/log: the output of a container, as plain text, and with `follow` for as long as it goes on.
import { ApiError, badRequest, invalidError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { type FieldError, forbidden, invalid } from '../../../kube/meaning/field-error.ts';
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

/** undefined: not asked for. Throws ApiError 400. */
function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a whole number`);
  return Number(text);
}

function validateLogOptions({ tailLines = 0, sinceSeconds, sinceTime, limitBytes }: LogOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (tailLines < 0) errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined) errors.push(forbidden('sinceTime', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime))) errors.push(invalid('sinceTime', sinceTime, 'must be a time like 2006-01-02T15:04:05Z'));
  return errors;
}

const optionsKind = { apiVersion: 'v1', kind: 'PodLogOptions', plural: 'podlogoptions' };

/** Throws ApiError 400 and 422. */
function readLogOptions(pod: Pod, query: URLSearchParams): LogOptions {
  const options: LogOptions = {
    container: query.get('container') ?? undefined,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: wholeNumber(query, 'tailLines'),
    sinceSeconds: wholeNumber(query, 'sinceSeconds'),
    sinceTime: query.get('sinceTime') || undefined,
    limitBytes: wholeNumber(query, 'limitBytes'),
  };
  const errors = validateLogOptions(options);
  if (errors.length > 0) throw invalidError(optionsKind, pod.metadata.name, errors);
  return options;
}

export async function answerLog(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const pod = seenPod(api, target);
  const output = await accessOf(api).logs(pod, readLogOptions(pod, request.query), request.stop);
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
