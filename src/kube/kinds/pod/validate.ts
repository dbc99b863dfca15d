// Rules for a pod's specification, alone or as a template, and for what of it may change later.
import { deepEqual } from '../../../base/data/memo.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { validateAddress } from '../../meaning/rules/addresses.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkQualifiedName } from '../../meaning/rules/names.ts';
import { validateLabels, validateObjectMeta } from '../../meaning/rules/object-meta.ts';
import { allInvalid } from '../../meaning/rules/ports.ts';
import type { Pod, PodSpec } from '../../objects/core.ts';
import { validateContainers } from './validate-containers.ts';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const dnsLimits = { nameservers: 3, searches: 32, searchCharacters: 2048 };

function validateOneOf(value: string | undefined, known: readonly string[], field: string): FieldError[] {
  if (!value) return [required(field)];
  return known.includes(value) ? [] : [notSupported(field, value, known)];
}

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  const errors = validateOneOf(dnsPolicy, dnsPolicies, `${field}.dnsPolicy`);
  const at = `${field}.dnsConfig`;
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === 'None' && !dnsConfig) return [...errors, required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  if (dnsPolicy === 'None' && nameservers.length === 0) errors.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  if (nameservers.length > dnsLimits.nameservers) errors.push(invalid(`${at}.nameservers`, nameservers, `must not have more than ${dnsLimits.nameservers} nameservers`));
  errors.push(...nameservers.flatMap((ip, i) => validateAddress(ip, `${at}.nameservers[${i}]`)));
  if (searches.length > dnsLimits.searches) errors.push(invalid(`${at}.searches`, searches, `must not have more than ${dnsLimits.searches} search paths`));
  if (searches.join(' ').length > dnsLimits.searchCharacters) {
    errors.push(invalid(`${at}.searches`, searches, `must not have more than ${dnsLimits.searchCharacters} characters (including spaces) in the search list`));
  }
  // One trailing dot is fine, and the root alone is too.
  errors.push(...searches.flatMap((name, i) => (name === '.' ? [] : allInvalid(`${at}.searches[${i}]`, name, checkDns1123Subdomain(name.replace(/\.$/, ''))))));
  errors.push(...options.flatMap(({ name }, i) => (name ? [] : [required(`${at}.options[${i}]`, 'must not be empty')])));
  return errors;
}

function validateNames(spec: PodSpec, field: string): FieldError[] {
  const { hostname, subdomain, serviceAccountName, nodeName } = spec;
  return [
    ...(serviceAccountName ? allInvalid(`${field}.serviceAccountName`, serviceAccountName, checkDns1123Subdomain(serviceAccountName)) : []),
    ...(nodeName ? allInvalid(`${field}.nodeName`, nodeName, checkDns1123Subdomain(nodeName)) : []),
    ...(hostname ? allInvalid(`${field}.hostname`, hostname, checkDns1123Label(hostname)) : []),
    ...(subdomain ? allInvalid(`${field}.subdomain`, subdomain, checkDns1123Label(subdomain)) : []),
  ];
}

const validateAliases = (spec: PodSpec, field: string): FieldError[] =>
  (spec.hostAliases ?? []).flatMap(({ ip, hostnames = [] }, i) => [
    ...validateAddress(ip ?? '', `${field}.hostAliases[${i}].ip`),
    ...hostnames.flatMap((name, j) => allInvalid(`${field}.hostAliases[${i}].hostnames[${j}]`, name, checkDns1123Subdomain(name))),
  ]);

function validateVolumes(spec: PodSpec, field: string): FieldError[] {
  const names = (spec.volumes ?? []).map(({ name }) => name ?? '');
  return names.flatMap((name, i) => [
    ...(name ? allInvalid(`${field}.volumes[${i}].name`, name, checkDns1123Label(name)) : [required(`${field}.volumes[${i}].name`)]),
    ...(name && names.indexOf(name) < i ? [duplicate(`${field}.volumes[${i}].name`, name)] : []),
  ]);
}

const validateGates = (spec: PodSpec, field: string): FieldError[] =>
  (spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
    allInvalid(`${field}.readinessGates[${i}].conditionType`, conditionType, checkQualifiedName(conditionType ?? '')),
  );

function validateGrace({ terminationGracePeriodSeconds: seconds = 0 }: PodSpec, field: string): FieldError[] {
  return seconds < 0 ? [invalid(`${field}.terminationGracePeriodSeconds`, seconds, 'must be greater than or equal to 0')] : [];
}

/** Everything that holds for pods and templates alike. */
export function validatePodSpec(spec: PodSpec, field: string): FieldError[] {
  return [
    ...validateVolumes(spec, field),
    ...validateContainers(spec, field),
    ...validateOneOf(spec.restartPolicy, restartPolicies, `${field}.restartPolicy`),
    ...validateDns(spec, field),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validateNames(spec, field),
    ...validateAliases(spec, field),
    ...validateGates(spec, field),
    ...validateGrace(spec, field),
  ];
}

const changeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** The specification as it would be had the client changed only what may be changed. */
function withOldChangeables(spec: PodSpec, old: PodSpec): PodSpec {
  const withImages = (now: PodSpec['containers'] = [], before: PodSpec['containers'] = []) =>
    now.map((container, i) => ({ ...container, image: before[i]?.image }));
  return {
    ...spec,
    containers: withImages(spec.containers, old.containers),
    ...(spec.initContainers && { initContainers: withImages(spec.initContainers, old.initContainers) }),
    // Binding sets the node once; ephemeral containers come by their own subresource.
    nodeName: old.nodeName ? spec.nodeName : undefined,
    ephemeralContainers: old.ephemeralContainers,
    tolerations: old.tolerations,
    terminationGracePeriodSeconds: old.terminationGracePeriodSeconds,
    ...('activeDeadlineSeconds' in old || 'activeDeadlineSeconds' in spec ? { activeDeadlineSeconds: undefined } : {}),
  } as PodSpec;
}

const forCompare = (spec: PodSpec): object => ({ ...spec, ...('activeDeadlineSeconds' in spec ? { activeDeadlineSeconds: undefined } : {}) });

function validateUpdate({ spec }: Pod, { spec: old }: Pod): FieldError[] {
  const lost = (old.tolerations ?? []).some((before) => !spec.tolerations?.some((now) => deepEqual({ ...now, tolerationSeconds: 0 }, { ...before, tolerationSeconds: 0 })));
  const graceChanged = spec.terminationGracePeriodSeconds !== old.terminationGracePeriodSeconds && (old.terminationGracePeriodSeconds ?? 0) >= 0;
  const same = deepEqual(withOldChangeables(spec, old), forCompare(old));
  return same && !lost && !graceChanged ? [] : [forbidden('spec', changeable)];
}

export function validatePod(pod: Pod, old?: Pod): FieldError[] {
  const early = !old && pod.spec.ephemeralContainers?.length ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : [];
  return [
    ...validateObjectMeta(pod, { namespaced: true }, old),
    ...validatePodSpec(pod.spec, 'spec'),
    ...early,
    ...(old ? validateUpdate(pod, old) : []),
  ];
}
