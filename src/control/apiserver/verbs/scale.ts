// The scale subresource: a workload seen as a wished and a present number of replicas (autoscaling/v1 Scale).
import { invalidError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { invalid } from '../../../kube/meaning/field-error.ts';
import { parseJsonPath, valuesAt, withValueAt } from '../../../kube/custom/json-path.ts';
import type { Kind, ScaleFields } from '../../../kube/kinds/kind.ts';
import { ageColumn, nameColumn } from '../../../kube/kinds/columns.ts';
import { jsonPatch } from '../../../kube/meaning/patch/json-patch.ts';
import { mergePatch } from '../../../kube/meaning/patch/merge-patch.ts';
import { printSelector } from '../../../kube/meaning/label-selector.ts';
import type { KubeObject, LabelSelector } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import type { Resource } from '../registry.ts';
import { type Answer, type ApiRequest, readBody } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { contentType, decodeBody, parseJson, typedAs, unsupportedMediaType } from '../wire/decode.ts';
import { rewrite } from './update.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';

interface Workload extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector };
  status?: { replicas?: number };
}

interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

const names = { apiVersion: 'autoscaling/v1', kind: 'Scale', plural: 'scales' };

/** Lets a Scale be answered in every form an object can be; it is never stored. */
const scaleResource: Resource = {
  kind: {
    ...names,
    shortNames: [],
    namespaced: true,
    columns: [
      nameColumn,
      { name: 'Desired', type: 'integer', cell: (scale) => (scale as Scale).spec.replicas ?? 0 },
      { name: 'Available', type: 'integer', cell: (scale) => (scale as Scale).status.replicas },
      ageColumn,
    ],
  },
  group: 'autoscaling',
  version: 'v1',
  get stored() {
    return this.kind;
  },
  toStored: (object) => object,
  fromStored: (object) => object,
};

/** Of a custom object the definition says where the numbers stand. */
function scaleOf(workload: Workload, kind: Kind): Scale {
  return kind.scale ? customScale(workload, kind.scale) : workloadScale(workload);
}

function customScale(object: Workload, paths: ScaleFields): Scale {
  const read = (path: string | undefined) => (path ? valuesAt(object, parseJsonPath(path) ?? [])[0] : undefined);
  const replicas = read(paths.specReplicasPath);
  const selector = read(paths.labelSelectorPath);
  return {
    ...headOf(object),
    spec: typeof replicas === 'number' && replicas !== 0 ? { replicas } : {},
    status: { replicas: Number(read(paths.statusReplicasPath) ?? 0), ...(typeof selector === 'string' && { selector }) },
  };
}

function headOf({ metadata: { name, namespace, uid, resourceVersion, creationTimestamp } }: Workload) {
  return { apiVersion: names.apiVersion, kind: names.kind, metadata: { name, namespace, uid, resourceVersion, creationTimestamp } };
}

function workloadScale(workload: Workload): Scale {
  const { replicas = 1, selector } = workload.spec ?? {};
  return {
    ...headOf(workload),
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: workload.status?.replicas ?? 0, ...(selector && { selector: printSelector(selector) }) },
  };
}

export async function getScale(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const workload = seenObject(api.store.snapshot(), target);
  if (!workload) throw notFoundError(target.resource.kind, target.name!);
  return objectAnswer(request, scaleResource, { stored: scaleOf(workload, target.resource.kind), now: api.now() });
}

interface Rescale {
  target: Target;
  options: WriteOptions;
  next(scale: Scale): Scale;
  retries: boolean;
}

/** Decides on the Scale of the workload as it is now, then writes the workload. */
async function rescale(api: Api, request: ApiRequest, { target, options, next, retries }: Rescale): Promise<Answer> {
  const { kind } = target.resource;
  const replaced = (workload: Workload): KubeObject => {
    const { spec, metadata } = next(scaleOf(workload, kind));
    const replicas = spec?.replicas ?? 0;
    if (replicas < 0) throw invalidError(names, metadata.name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
    const { resourceVersion } = metadata;
    const rescaled = kind.scale ? withValueAt(workload, parseJsonPath(kind.scale.specReplicasPath) ?? [], replicas) : { ...workload, spec: { ...workload.spec, replicas } };
    // Custom kinds want a version with every update; without one the client means the object as it is.
    const pinned = resourceVersion ?? (kind.needsVersionToUpdate ? workload.metadata.resourceVersion : undefined);
    return { ...rescaled, metadata: { ...workload.metadata, resourceVersion: pinned } };
  };
  const mainTarget = { ...target, subresource: undefined };
  const stored = await rewrite(api, request, { target: mainTarget, options, retries, next: replaced });
  return objectAnswer(request, scaleResource, { stored: scaleOf(stored, kind), now: api.now() });
}

export async function updateScale(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'UpdateOptions');
  const wished = typedAs((await decodeBody(request, 'Scale')).value, names.apiVersion, names.kind) as Scale;
  return rescale(api, request, { target, options, next: () => wished, retries: !wished.metadata.resourceVersion });
}

export async function patchScale(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'PatchOptions');
  const type = contentType(request);
  const patch = parseJson((await readBody(request)).toString(), 'Scale');
  const next = (scale: Scale): Scale => {
    if (type === 'application/json-patch+json') return jsonPatch(scale, patch);
    // A Scale has no lists: strategic merging is plain merging.
    if (type.endsWith('merge-patch+json')) return mergePatch(scale, patch);
    throw unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']);
  };
  const named = (patch as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
  return rescale(api, request, { target, options, next, retries: !named });
}
