// MutatingAdmissionPolicies at work: they change an object before it is judged and stored, in the order of their bindings.
// https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
import { Budget } from '../../../kube/custom/cel/environment.ts';
import { CompileError } from '../../../kube/custom/cel/syntax.ts';
import { compiledMutations, mutationConditions, type ObjectPatch, patchOf } from '../../../kube/custom/mutation-programs.ts';
import { budgetPerPolicy } from '../../../kube/custom/policy-programs.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import { jsonPatch } from '../../../kube/meaning/patch/json-patch.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../kube/objects/admission.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { Api } from '../api.ts';
import type { ApiRequest } from '../request.ts';
import { applied, ownerOf } from '../wire/codecs.ts';
import { denied } from './policies.ts';
import { applies, type Court, inputOf, isPoliced, paramsOf, type PolicedWrite } from './policy-reach.ts';

const group = 'admissionregistration.k8s.io/v1beta1';

type Change = PolicedWrite & { object: KubeObject };

interface Pair {
  policy: MutatingAdmissionPolicy;
  binding: MutatingAdmissionPolicyBinding;
}

/** The object as all policies leave it; the same one when none changes it. Throws ApiError when a policy fails. */
export function changeByPolicies(api: Api, request: ApiRequest, write: Change): KubeObject {
  const bindings = api.registry.find(group, 'mutatingadmissionpolicybindings');
  const policies = api.registry.find(group, 'mutatingadmissionpolicies');
  if (!bindings || !policies || api.disabledAdmission.has('MutatingAdmissionPolicy') || !isPoliced(write)) return write.object;
  const seen = api.store.snapshot();
  const pairs = seen.list(bindings.stored as Kind<MutatingAdmissionPolicyBinding>).flatMap((binding): Pair[] => {
    const policy = seen.get(policies.stored as Kind<MutatingAdmissionPolicy>, binding.spec.policyName);
    return policy ? [{ policy, binding }] : [];
  });
  const court = { api, request, seen };
  const left: { pair: Pair; object: KubeObject }[] = [];
  let { object } = write;
  for (const pair of pairs) {
    object = changeBy(pair, { ...court, write: { ...write, object } });
    left.push({ pair, object });
  }
  // Who asks for it sees once more what those after it have changed.
  for (const { pair, object: before } of left) {
    if (pair.policy.spec.reinvocationPolicy === 'IfNeeded' && before !== object) object = changeBy(pair, { ...court, write: { ...write, object } });
  }
  return object;
}

type ChangeCourt = Court & { write: Change };

function changeBy({ policy, binding }: Pair, court: ChangeCourt): KubeObject {
  const { write, seen } = court;
  if (!applies(write, seen, policy, binding)) return write.object;
  return paramsOf(court, policy, binding).reduce<KubeObject>((object, params) => {
    const found = params instanceof Error ? params : changeWith(policy, { ...court, write: { ...write, object } }, params);
    if (!(found instanceof Error)) return found;
    // Without its parameters a policy cannot even be asked.
    if (!(params instanceof Error) && policy.spec.failurePolicy === 'Ignore') return object;
    throw denied(write, `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${found.message}`, { error: true, message: found.message });
  }, write.object);
}

/** All mutations of one policy, or none: an Error says why. */
function changeWith(policy: MutatingAdmissionPolicy, court: ChangeCourt, params: KubeObject | undefined): KubeObject | Error {
  const programs = compiledMutations(policy);
  if (programs instanceof CompileError) return new Error(`compilation error: ${programs.message}`);
  const budget = new Budget(budgetPerPolicy);
  const answers = mutationConditions(programs, inputOf(court, params), budget);
  if (answers) return answers.length > 0 ? new Error(answers[0]!.message) : court.write.object;
  let { object } = court.write;
  for (const at of programs.mutations.keys()) {
    const patch = patchOf(programs, at, inputOf({ ...court, write: { ...court.write, object } }, params), budget);
    const next = patch instanceof Error ? patch : patched(court, object, patch);
    if (next instanceof Error) return next;
    object = next;
  }
  return object;
}

/** What an object is called is not for policies to say, nor who owns which field. */
function patched({ api, write: { resource } }: ChangeCourt, object: KubeObject, patch: ObjectPatch): KubeObject | Error {
  const { name, namespace, generateName, uid, managedFields } = object.metadata;
  try {
    const next = patch.type === 'JSONPatch' ? jsonPatch(object, patch.operations) : laidOver(object, patch.wanted, { ...ownerOf(resource, 'admission', { now: api.now() }), force: true });
    const metadata = { ...next.metadata, name, namespace, generateName, uid, managedFields };
    return { ...next, apiVersion: object.apiVersion, kind: object.kind, metadata: JSON.parse(JSON.stringify(metadata)) as KubeObject['metadata'] };
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** As an apply that nobody can object to: lists merge by their keys. */
function laidOver(object: KubeObject, wanted: Record<string, unknown>, owner: Parameters<typeof applied>[2]): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const live = { ...object, metadata: { ...metadata, managedFields: undefined } };
  const partial = { ...wanted, apiVersion, kind, metadata: { name: metadata.name, ...(wanted['metadata'] as object | undefined) } } as KubeObject;
  return applied(live, partial, owner);
}
