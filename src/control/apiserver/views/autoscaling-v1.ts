// autoscaling/v1 HorizontalPodAutoscaler: the stored v2 objects with one percentage of CPU; `kubectl autoscale` writes it.
// What v1 cannot say travels in annotations, as upstream has it, so that nothing is lost on the way there and back.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v1/
import { isObject } from '../../../base/data/json-value.ts';
import type { HorizontalPodAutoscaler } from '../../../kube/objects/batch.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { View } from '../registry.ts';

const apiVersion = 'autoscaling/v1';

/** Where v2 keeps each part, and the annotation that carries it. */
const carried = [
  ['spec', 'metrics', 'autoscaling.alpha.kubernetes.io/metrics'],
  ['spec', 'behavior', 'autoscaling.alpha.kubernetes.io/behavior'],
  ['status', 'currentMetrics', 'autoscaling.alpha.kubernetes.io/current-metrics'],
  ['status', 'conditions', 'autoscaling.alpha.kubernetes.io/conditions'],
] as const;

type Fields = Record<string, unknown>;
type Parts = Record<'spec' | 'status', Fields | undefined>;
type Metric = NonNullable<HorizontalPodAutoscaler['spec']['metrics']>[number];

const percentOf = ({ type, resource }: Metric): number | undefined =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.type === 'Utilization' ? resource.target.averageUtilization : undefined;

const metricOf = (percent: number): Metric => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } });

const partsOf = (object: KubeObject): Parts => {
  const { spec, status } = object as unknown as Parts;
  return { spec: spec && { ...spec }, status: status && { ...status } };
};

function assembled(object: KubeObject, { spec, status }: Parts, { annotations, version }: { annotations: Record<string, string>; version: string }): KubeObject {
  const { annotations: _, ...metadata } = object.metadata;
  const named = Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata;
  return { ...object, apiVersion: version, metadata: named, ...(spec && { spec }), ...(status && { status }) } as KubeObject;
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** The first percentage of CPU has a field of its own; the others stay metrics. */
function sayPercent(spec: Fields): void {
  const metrics = (spec['metrics'] as Metric[] | undefined) ?? [];
  const at = metrics.findIndex((metric) => percentOf(metric) !== undefined);
  if (at < 0) return;
  spec['targetCPUUtilizationPercentage'] = percentOf(metrics[at]!);
  spec['metrics'] = metrics.filter((_, i) => i !== at);
}

function toV1(object: KubeObject): KubeObject {
  const parts = partsOf(object);
  const annotations = { ...object.metadata.annotations };
  if (parts.spec) sayPercent(parts.spec);
  for (const [part, field, annotation] of carried) {
    const value = parts[part]?.[field];
    delete parts[part]?.[field];
    if (value !== undefined && !isEmpty(value)) annotations[annotation] = JSON.stringify(value);
  }
  return assembled(object, parts, { annotations, version: apiVersion });
}

function toV2(stored: Kind, object: KubeObject): KubeObject {
  const parts = partsOf(object);
  const annotations = { ...object.metadata.annotations };
  for (const [part, field, annotation] of carried) {
    const value = readJson(annotations[annotation]);
    delete annotations[annotation];
    if (value !== undefined && parts[part]) parts[part][field] = value;
  }
  const { spec } = parts;
  const percent = spec?.['targetCPUUtilizationPercentage'];
  delete spec?.['targetCPUUtilizationPercentage'];
  if (spec && typeof percent === 'number') spec['metrics'] = [metricOf(percent), ...((spec['metrics'] as Metric[] | undefined) ?? [])];
  return assembled(object, parts, { annotations, version: stored.apiVersion });
}

function readJson(text: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isObject(value) || Array.isArray(value) ? value : undefined;
  } catch {
    // Somebody wrote it by hand: what cannot be read says nothing.
    return undefined;
  }
}

export function autoscalingV1View(stored: Kind): View {
  const seen = new WeakMap<KubeObject, KubeObject>();
  return {
    stored,
    kind: { ...stored, apiVersion },
    toStored: (object) => toV2(stored, object),
    fromStored(object) {
      const view = seen.get(object) ?? toV1(object);
      seen.set(object, view);
      return view;
    },
  };
}
