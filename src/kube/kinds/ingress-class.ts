// IngressClass: which controller serves an Ingress.
import { type FieldError, forbidden, invalid, notSupported, required, tooLong } from '../meaning/field-error.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkHttpPath, checkPathSegment } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid } from '../meaning/rules/ports.ts';
import type { IngressClass } from '../objects/networking.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import type { Kind } from './kind.ts';

export const isDefaultClass = ({ metadata }: IngressClass): boolean =>
  metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';

type Parameters = NonNullable<NonNullable<IngressClass['spec']>['parameters']>;

function printParameters({ spec }: IngressClass): string {
  const parameters = spec?.parameters;
  return parameters ? `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}` : none;
}

function setDefaults(ingressClass: IngressClass): IngressClass {
  const { spec } = ingressClass;
  if (!spec?.parameters || spec.parameters.scope) return ingressClass;
  return { ...ingressClass, spec: { ...spec, parameters: { ...spec.parameters, scope: 'Cluster' } } };
}

const maxBytes = 250;

function validateController(controller: string, old?: IngressClass): FieldError[] {
  const field = 'spec.controller';
  const errors: FieldError[] = old && old.spec?.controller !== controller ? [invalid(field, controller, 'field is immutable')] : [];
  if (Buffer.byteLength(controller) > maxBytes) errors.push(tooLong(field, maxBytes));
  if (!controller) return [...errors, required(field)];
  const slash = controller.indexOf('/');
  const [host, path] = [controller.slice(0, slash), controller.slice(slash + 1)];
  if (slash < 1 || !path) return [...errors, invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  return [...errors, ...allInvalid(field, host, checkDns1123Subdomain(host)), ...allInvalid(field, path, checkHttpPath(path))];
}

const scopes = ['Cluster', 'Namespace'];

function validateScope({ scope, namespace }: Parameters): FieldError[] {
  const field = 'spec.parameters';
  if (!scope) return [required(`${field}.scope`)];
  if (!scopes.includes(scope)) return [notSupported(`${field}.scope`, scope, scopes)];
  if (scope === 'Namespace') {
    if (!namespace) return [required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'")];
    return allInvalid(`${field}.namespace`, namespace, checkDns1123Label(namespace));
  }
  return namespace === undefined ? [] : [forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'")];
}

function validateParameters(parameters: Parameters): FieldError[] {
  const { apiGroup, kind, name } = parameters;
  const named = (field: string, value: string | undefined) => (value ? allInvalid(field, value, checkPathSegment(value)) : [required(field)]);
  return [
    ...(apiGroup ? allInvalid('spec.parameters.apiGroup', apiGroup, checkDns1123Subdomain(apiGroup)) : []),
    ...named('spec.parameters.kind', kind),
    ...named('spec.parameters.name', name),
    ...validateScope(parameters),
  ];
}

export const ingressClassKind: Kind<IngressClass> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  shortNames: [],
  namespaced: false,
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', cell: ({ spec }) => spec?.controller ?? '' },
    { name: 'Parameters', type: 'string', cell: printParameters },
    ageColumn,
  ],
  setDefaults,
  validate: (ingressClass, old) => [
    ...validateObjectMeta(ingressClass, { namespaced: false }, old),
    ...validateController(ingressClass.spec?.controller ?? '', old),
    ...(ingressClass.spec?.parameters ? validateParameters(ingressClass.spec.parameters) : []),
  ],
};
