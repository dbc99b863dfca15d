// ValidatingAdmissionPolicies at work: what follows when a write breaks one.
// https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
import { evaluatePolicy } from '../../../kube/custom/policy-programs.ts';
import type { PolicyAnswer } from '../../../kube/custom/policy-answer.ts';
import { ApiError, forbiddenError } from '../../../kube/meaning/api-error.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../kube/objects/admission.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { Api } from '../api.ts';
import type { ApiRequest } from '../request.ts';
import { applies, type Court, inputOf, isPoliced, metadataOf, paramsOf, type PolicedWrite } from './policy-reach.ts';

const group = 'admissionregistration.k8s.io/v1';

/** Throws ApiError when a policy denies the write; adds warnings where one only warns. */
export function obeyPolicies(api: Api, request: ApiRequest, write: PolicedWrite): void {
  const bindings = api.registry.find(group, 'validatingadmissionpolicybindings');
  const policies = api.registry.find(group, 'validatingadmissionpolicies');
  if (!bindings || !policies || api.disabledAdmission.has('ValidatingAdmissionPolicy') || !isPoliced(write)) return;
  const seen = api.store.snapshot();
  for (const binding of seen.list(bindings.stored as Kind<ValidatingAdmissionPolicyBinding>)) {
    const policy = seen.get(policies.stored as Kind<ValidatingAdmissionPolicy>, binding.spec.policyName);
    if (policy && applies(write, seen, policy, binding)) judge({ api, request, write, seen }, policy, binding);
  }
}

function judge(court: Court, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding): void {
  const { write, request } = court;
  const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
  const actions = binding.spec.validationActions ?? ['Deny'];
  for (const params of paramsOf(court, policy, binding)) {
    // Without its parameters a policy cannot even be asked.
    const isLost = params instanceof Error;
    const answers = isLost ? [{ error: true, message: params.message }] : evaluatePolicy(policy, inputOf(court, params));
    for (const answer of answers) {
      if (answer.error && policy.spec.failurePolicy === 'Ignore') continue;
      if (isLost || actions.includes('Deny')) throw denied(write, `${names} denied request: ${answer.message}`, answer);
      if (actions.includes('Warn')) request.warnings.push(`Validation failed for ${names}: ${answer.message}`);
    }
  }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Invalid: 422, Unauthorized: 401, RequestEntityTooLarge: 413 };

/** A policy's no, under the reason that it gives. */
export function denied(write: PolicedWrite, message: string, { reason = 'Invalid' }: PolicyAnswer): ApiError {
  const refused = forbiddenError(write.resource.kind, metadataOf(write).name, message, [{ reason, message }]);
  return new ApiError(codes[reason] ?? 422, reason, refused.message, refused.details);
}
