// Whether one rule of a role covers one question. Pure; wildcards as in upstream's RBAC:
// `*` covers every resource and subresource, `*/scale` that subresource of every resource, `/logs/*` every path below.
import type { PolicyRule } from '../../../../kube/objects/rbac.ts';
import type { PathAttributes, ResourceAttributes } from '../authorize.ts';

const covers = (listed: readonly string[] | undefined, asked: string): boolean => listed?.some((one) => one === '*' || one === asked) ?? false;

function coversResource({ resources = [] }: PolicyRule, { resource, subresource }: ResourceAttributes): boolean {
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return resources.some((listed) => listed === '*' || listed === whole || (subresource !== undefined && subresource !== '' && listed === `*/${subresource}`));
}

const coversName = ({ resourceNames = [] }: PolicyRule, name: string | undefined): boolean => resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name));

const coversPath = ({ nonResourceURLs = [] }: PolicyRule, path: string): boolean =>
  nonResourceURLs.some((listed) => listed === '*' || listed === path || (listed.endsWith('*') && path.startsWith(listed.slice(0, -1))));

export function ruleCovers(rule: PolicyRule, asked: ResourceAttributes | PathAttributes): boolean {
  if (!covers(rule.verbs, asked.verb)) return false;
  if ('path' in asked) return coversPath(rule, asked.path);
  return covers(rule.apiGroups, asked.group) && coversResource(rule, asked) && coversName(rule, asked.name);
}

/** Every single permission a rule grants, as questions: to ask whether somebody holds them all. */
export function permissionsOf({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): (ResourceAttributes | PathAttributes)[] {
  const names = resourceNames.length > 0 ? resourceNames : [undefined];
  const onResources = verbs.flatMap((verb) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((listed) => {
        const [resource = '', subresource] = listed.split('/');
        return names.map((name): ResourceAttributes => ({ verb, group, resource, ...(subresource && { subresource }), ...(name !== undefined && { name }) }));
      }),
    ),
  );
  return [...onResources, ...verbs.flatMap((verb) => nonResourceURLs.map((path): PathAttributes => ({ verb, path })))];
}
