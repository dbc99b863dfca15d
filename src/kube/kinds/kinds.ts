// Every kind that is served, in the order discovery lists them.
import { namespaceKind } from './namespace.ts';
import { nodeKind } from './node.ts';
import { persistentVolumeKind } from './persistent-volume.ts';
import { persistentVolumeClaimKind } from './persistent-volume-claim.ts';
import { podTemplateKind } from './pod-template.ts';
import { podKind } from './pod.ts';
import { createServiceKind } from './service.ts';
import { endpointsKind } from './endpoints.ts';
import { configMapKind } from './config-map.ts';
import { secretKind } from './secret.ts';
import { serviceAccountKind } from './service-account.ts';
import { eventKind } from './event.ts';
import { deploymentKind } from './deployment.ts';
import { replicaSetKind } from './replica-set.ts';
import { daemonSetKind } from './daemon-set.ts';
import { statefulSetKind } from './stateful-set.ts';
import { controllerRevisionKind } from './controller-revision.ts';
import { endpointSliceKind } from './endpoint-slice.ts';
import { ingressKind } from './ingress.ts';
import { ingressClassKind } from './ingress-class.ts';
import { networkPolicyKind } from './network-policy.ts';
import { leaseKind } from './lease.ts';
import { replicationControllerKind } from './replication-controller.ts';
import { resourceQuotaKind } from './resource-quota.ts';
import { limitRangeKind } from './limit-range.ts';
import { jobKind } from './job.ts';
import { cronJobKind } from './cron-job.ts';
import { horizontalPodAutoscalerKind } from './horizontal-pod-autoscaler.ts';
import { serviceCidrKind } from './service-cidr.ts';
import { ipAddressKind } from './ip-address.ts';
import { podDisruptionBudgetKind } from './pod-disruption-budget.ts';
import { priorityClassKind } from './priority-class.ts';
import { clusterRoleKind, roleKind } from './role.ts';
import { clusterRoleBindingKind, roleBindingKind } from './role-binding.ts';
import { customResourceDefinitionKind } from './custom-resource-definition.ts';
import { validatingAdmissionPolicyKind } from './validating-admission-policy.ts';
import { validatingAdmissionPolicyBindingKind } from './validating-admission-policy-binding.ts';
import { mutatingAdmissionPolicyKind } from './mutating-admission-policy.ts';
import { mutatingAdmissionPolicyBindingKind } from './mutating-admission-policy-binding.ts';
import { mutatingWebhookConfigurationKind, validatingWebhookConfigurationKind } from './webhook-configuration.ts';
import { type ClusterConfig, defaultClusterConfig } from './cluster-config.ts';
import type { Kind } from './kind.ts';
import { createKindIndex } from './kind-index.ts';

/** The kinds as one cluster serves them: those that hand out addresses and ports follow its configuration. */
export const createKinds = (config: ClusterConfig): readonly Kind[] => [
  namespaceKind as Kind,
  nodeKind as Kind,
  podKind as Kind,
  createServiceKind(config) as Kind,
  endpointsKind as Kind,
  configMapKind as Kind,
  secretKind as Kind,
  serviceAccountKind as Kind,
  eventKind as Kind,
  replicationControllerKind as Kind,
  persistentVolumeKind as Kind,
  persistentVolumeClaimKind as Kind,
  podTemplateKind as Kind,
  resourceQuotaKind as Kind,
  limitRangeKind as Kind,
  deploymentKind as Kind,
  replicaSetKind as Kind,
  daemonSetKind as Kind,
  statefulSetKind as Kind,
  controllerRevisionKind as Kind,
  jobKind as Kind,
  cronJobKind as Kind,
  horizontalPodAutoscalerKind as Kind,
  endpointSliceKind as Kind,
  ingressKind as Kind,
  ingressClassKind as Kind,
  networkPolicyKind as Kind,
  serviceCidrKind as Kind,
  ipAddressKind as Kind,
  leaseKind as Kind,
  podDisruptionBudgetKind as Kind,
  priorityClassKind as Kind,
  roleKind as Kind,
  roleBindingKind as Kind,
  clusterRoleKind as Kind,
  clusterRoleBindingKind as Kind,
  customResourceDefinitionKind as Kind,
  mutatingWebhookConfigurationKind as Kind,
  mutatingAdmissionPolicyKind as Kind,
  mutatingAdmissionPolicyBindingKind as Kind,
  validatingAdmissionPolicyKind as Kind,
  validatingAdmissionPolicyBindingKind as Kind,
  validatingWebhookConfigurationKind as Kind,
];

/** For readers and tests, who need the names and not one cluster's ranges. */
export const kinds: readonly Kind[] = createKinds(defaultClusterConfig);

/** The kind an object says it is; undefined when it is not served. */
export const kindOf: (apiVersion: string, kind: string) => Kind | undefined = createKindIndex(kinds);
