// From a definition to kinds: one for each served version, all of one set of objects that is kept in the storage version.
import type { Kind, OwnFields } from '../kinds/kind.ts';
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { CustomResourceDefinition, CustomResourceVersion } from '../objects/api-extensions.ts';
import type { KubeObject } from '../objects/meta.ts';
import { checkFields } from '../wire/check-fields.ts';
import { customColumns } from './custom-columns.ts';
import { customMessage } from './custom-message.ts';
import { customOpenApi } from './custom-openapi.ts';
import { validateEmbedded } from './values/embedded.ts';
import { fillDefaults } from './values/fill-defaults.ts';
import { parseJsonPath, valuesAt } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { prune } from './values/prune.ts';
import { hasRules, validateByRules } from './rules.ts';
import { validateLists } from './values/validate-lists.ts';
import { validateValue } from './values/validate-value.ts';

export interface CustomVersion {
  readonly kind: Kind;
  /** The kind of the version that objects are kept in. */
  readonly stored: Kind;
  readonly served: boolean;
  /** A stored object in this version, with the defaults of today's schema. */
  fromStored(object: KubeObject): KubeObject;
}

/** Preferred first: stable before beta before alpha, the higher number before the lower (Kubernetes version priority). */
export function createCustomVersions(definition: CustomResourceDefinition): readonly CustomVersion[] {
  const { versions } = definition.spec;
  const kinds = new Map(versions.map((version) => [version.name, createCustomKind(definition, version)]));
  const storage = versions.find((version) => version.storage) ?? versions[0]!;
  return versions
    .toSorted((a, b) => compareVersions(a.name, b.name))
    .map((version) => ({ kind: kinds.get(version.name)!, stored: kinds.get(storage.name)!, served: version.served, fromStored: reader(definition, version) }));
}

const stages = ['alpha', 'beta', ''];

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name));
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : 1;
  const rank = ([, major, stage = '', minor = '0']: RegExpExecArray) => [stages.indexOf(stage), Number(major), Number(minor)];
  const [p, q] = [rank(left), rank(right)];
  const at = p.findIndex((part, i) => part !== q[i]);
  return at < 0 ? 0 : q[at]! - p[at]!;
}

const apiVersionOf = ({ spec }: CustomResourceDefinition, version: CustomResourceVersion): string => `${spec.group}/${version.name}`;

const schemaOf = (version: CustomResourceVersion): JsonSchema => version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function reader(definition: CustomResourceDefinition, version: CustomResourceVersion): CustomVersion['fromStored'] {
  const seen = new WeakMap<KubeObject, KubeObject>();
  const [apiVersion, schema] = [apiVersionOf(definition, version), schemaOf(version)];
  return (object) => {
    let view = seen.get(object);
    if (!view) {
      const complete = fillDefaults(object, schema) as KubeObject;
      view = complete.apiVersion === apiVersion ? complete : { ...complete, apiVersion };
      seen.set(object, view);
    }
    return view;
  };
}

function createCustomKind(definition: CustomResourceDefinition, version: CustomResourceVersion): Kind {
  const { spec, metadata } = definition;
  const schema = schemaOf(version);
  const apiVersion = apiVersionOf(definition, version);
  const namespaced = spec.scope === 'Namespaced';
  const names = namesOf(definition);
  return {
    apiVersion,
    ...names,
    namespaced,
    ...subresourcesOf(version),
    countsGenerations: true,
    needsVersionToUpdate: true,
    keptAs: `${spec.group}/${(spec.versions.find((one) => one.storage) ?? version).name}`,
    isEnding: metadata.deletionTimestamp !== undefined,
    ...(version.deprecated && { deprecation: version.deprecationWarning ?? `${apiVersion} ${names.kind} is deprecated` }),
    ownFields: ownFields(schema, { group: spec.group, version: version.name, kind: names.kind }),
    columns: customColumns(version.additionalPrinterColumns),
    ...(version.selectableFields && { fieldSelectors: selectors(version.selectableFields) }),
    setDefaults: (object) => fillDefaults(object, schema) as KubeObject,
    validate: (object, old) => validateCustom(object, { schema, namespaced, old }),
  };
}

/** Those that were accepted, not those that are wished now. */
function namesOf({ spec, status }: CustomResourceDefinition): Pick<Kind, 'kind' | 'plural' | 'shortNames' | 'categories' | 'singular' | 'listKind'> {
  const names = status?.acceptedNames?.kind ? status.acceptedNames : spec.names;
  const { kind, plural, shortNames = [], categories = [], singular = kind.toLowerCase(), listKind = `${kind}List` } = names;
  return { kind, plural, shortNames, categories, singular, listKind };
}

function subresourcesOf({ subresources = {} }: CustomResourceVersion): Pick<Kind, 'subresources' | 'scale'> {
  const { status, scale } = subresources;
  return { subresources: [...(status ? ['status' as const] : []), ...(scale ? ['scale' as const] : [])], ...(scale && { scale }) };
}

const selectors = (fields: readonly { jsonPath: string }[]): Kind['fieldSelectors'] =>
  Object.fromEntries(
    fields.map(({ jsonPath }) => {
      const path = parseJsonPath(jsonPath) ?? [];
      return [jsonPath.replace(/^\./, ''), (object: KubeObject) => String(valuesAt(object, path)[0] ?? '')];
    }),
  );

function ownFields(schema: JsonSchema, name: { group: string; version: string; kind: string }): OwnFields {
  const message = customMessage(`${name.group}/${name.version}.${name.kind}`, schema);
  return {
    message,
    prune(object) {
      const { value, unknown } = prune(object, schema);
      // What the server keeps about every object has a type of its own.
      const inMetadata = checkFields({ apiVersion: 'v1', kind: 'ConfigMap' }, { metadata: value.metadata });
      return { value, unknown: [...unknown, ...inMetadata.map((text) => text.replace(/^unknown field "(.*)"$/, '$1'))] };
    },
    openApi: () => customOpenApi(schema, name),
  };
}

// Errors that leave the form of the object in doubt: rules could fail for no fault of theirs.
const blocking = new Set(['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueNotSupported', 'FieldValueTypeInvalid']);
const notChecked = 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

interface Judged {
  schema: JsonSchema;
  namespaced: boolean;
  old?: KubeObject;
}

function validateCustom(object: KubeObject, { schema, namespaced, old }: Judged): FieldError[] {
  const errors = [
    ...validateObjectMeta(object, { namespaced, plainFinalizers: true }, old),
    ...validateValue(object, schema, { path: '', old }),
    ...validateLists(object, schema),
    ...validateEmbedded(object, schema),
  ];
  if (!hasRules(schema)) return errors;
  if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, invalid('<nil>', 'null', notChecked)];
  return [...errors, ...validateByRules(object, schema, old)];
}
