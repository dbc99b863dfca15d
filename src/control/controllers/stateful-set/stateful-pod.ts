// One numbered pod: its name, the labels that say so, and the network name below the governing Service.
import type { ControllerRevision, StatefulSet } from '../../../kube/objects/apps.ts';
import type { Pod, PodTemplateSpec, Volume } from '../../../kube/objects/core.ts';
import { podFromTemplate } from '../workload/pod-from-template.ts';
import { revisionLabel } from '../workload/revisions.ts';

export const nameOf = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`;

/** Undefined for a pod that only shares the labels. */
export function ordinalOf({ metadata }: Pod, set: StatefulSet): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = metadata.name.startsWith(prefix) ? metadata.name.slice(prefix.length) : '';
  return /^(?:0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}

function templateOf(set: StatefulSet, revision: ControllerRevision): PodTemplateSpec {
  const stored = (revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined)?.spec?.template;
  if (!stored) return set.spec.template;
  const { $patch: _, ...template } = stored;
  return template;
}

/** There is no storage to claim from: each claim becomes an empty directory of its name. */
const claimedVolumes = ({ spec }: StatefulSet): Volume[] =>
  (spec.volumeClaimTemplates ?? []).flatMap((template) => {
    const { name } = (template as { metadata?: { name?: string } }).metadata ?? {};
    return name ? [{ name, emptyDir: {} }] : [];
  });

export function statefulPod(set: StatefulSet, ordinal: number, revision: ControllerRevision): Pod {
  const template = templateOf(set, revision);
  const name = nameOf(set, ordinal);
  const claimed = claimedVolumes(set);
  const volumes = [...(template.spec.volumes ?? []).filter((volume) => !claimed.some((one) => one.name === volume.name)), ...claimed];
  return podFromTemplate(set, template, {
    name,
    generateName: `${set.metadata.name}-`,
    labels: { 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': String(ordinal), [revisionLabel]: revision.metadata.name },
    spec: { hostname: name, ...(set.spec.serviceName && { subdomain: set.spec.serviceName }), ...(volumes.length > 0 && { volumes }) },
  });
}
