// The versions of a definition: names, the one that is stored, schemas, subresources, columns and selectable fields.
import { deepEqual } from '../../../base/data/memo.ts';
import { isIntOrString, type JsonSchema } from '../../custom/json-schema.ts';
import { type JsonPath, parseJsonPath } from '../../custom/json-path.ts';
import { validateRules } from '../../custom/structural/rule-check.ts';
import { validateStructure } from '../../custom/structural/structure.ts';
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from '../../meaning/field-error.ts';
import { checkDns1035Label } from '../../meaning/rules/names.ts';
import { allInvalid } from '../../meaning/rules/ports.ts';
import type { CustomResourceDefinition, CustomResourceVersion, PrinterColumn, ScalePaths } from '../../objects/api-extensions.ts';

type Spec = CustomResourceDefinition['spec'];

export function validateVersions({ versions = [] }: Spec, old: Spec | undefined): FieldError[] {
  const errors = versions.flatMap((version, i) => validateVersion(version, `spec.versions[${i}]`));
  const names = versions.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice >= 0) errors.push(duplicate(`spec.versions[${twice}].name`, names[twice]));
  if (versions.length === 0 || versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', null, 'must have exactly one version marked as storage version'));
  }
  return [...errors, ...validateSchemas(versions, old?.versions ?? [])];
}

function validateVersion(version: CustomResourceVersion, field: string): FieldError[] {
  const { name = '', subresources, additionalPrinterColumns = [], selectableFields = [], deprecated, deprecationWarning } = version;
  const schema = version.schema?.openAPIV3Schema;
  return [
    ...allInvalid(`${field}.name`, name, checkDns1035Label(name)),
    ...(deprecationWarning !== undefined && !deprecated ? [invalid(`${field}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions')] : []),
    ...(deprecationWarning !== undefined && deprecationWarning.length > 256 ? [{ field: `${field}.deprecationWarning`, reason: 'FieldValueTooLong' as const, message: 'Too long: may not be more than 256 bytes' }] : []),
    ...(subresources?.scale ? validateScale(subresources.scale, `${field}.subresources.scale`) : []),
    ...additionalPrinterColumns.flatMap((column, i) => validateColumn(column, `${field}.additionalPrinterColumns[${i}]`)),
    ...validateSelectable(selectableFields, schema, `${field}.selectableFields`),
  ];
}

/** Equal schemas are judged once, under the name upstream gives the common one. */
function validateSchemas(versions: readonly CustomResourceVersion[], old: readonly CustomResourceVersion[]): FieldError[] {
  const schemas = versions.map(({ schema }) => schema?.openAPIV3Schema);
  const missing = schemas.findIndex((schema) => !schema);
  if (missing >= 0) return [required(`spec.versions[${missing}].schema.openAPIV3Schema`, 'schemas are required')];
  const common = schemas.every((schema) => deepEqual(schema, schemas[0]));
  const judged = common ? schemas.slice(0, 1) : schemas;
  return judged.flatMap((schema, i) => {
    const field = common ? 'spec.validation.openAPIV3Schema' : `spec.versions[${i}].schema.openAPIV3Schema`;
    const errors = validateStructure(schema!, field);
    // Rules are compiled against types that only a structural schema has.
    return errors.length > 0 ? errors : validateRules(schema!, field, { isOld: old.some((one) => deepEqual(one.schema?.openAPIV3Schema, schema)) });
  });
}

function validateScale({ specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths, field: string): FieldError[] {
  const check = (key: string, path: string | undefined, parents: readonly string[]): FieldError[] => {
    if (!path) return [];
    if (!isPlain(parseJsonPath(path)) || !path.startsWith('.')) return [invalid(`${field}.${key}`, path, 'should be a json path without array notation')];
    const ok = parents.some((parent) => path.startsWith(parent));
    return ok ? [] : [invalid(`${field}.${key}`, path, `should be a json path under ${parents.join(' or ')}`)];
  };
  return [
    ...(specReplicasPath ? [] : [required(`${field}.specReplicasPath`)]),
    ...check('specReplicasPath', specReplicasPath, ['.spec.']),
    ...(statusReplicasPath ? [] : [required(`${field}.statusReplicasPath`)]),
    ...check('statusReplicasPath', statusReplicasPath, ['.status.']),
    ...check('labelSelectorPath', labelSelectorPath, ['.spec.', '.status.']),
  ];
}

const isPlain = (path: JsonPath | undefined): boolean => path !== undefined && path.length > 0 && path.every(({ take }) => take === 'key');

const columnTypes = ['integer', 'number', 'string', 'boolean', 'date'];
const columnFormats = ['int32', 'int64', 'float', 'double', 'byte', 'date', 'date-time', 'password'];

function validateColumn({ name, type, format, jsonPath }: PrinterColumn, field: string): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`)]),
    ...(type ? (columnTypes.includes(type) ? [] : [invalid(`${field}.type`, type, `must be one of ${columnTypes.join(',')}`)]) : [required(`${field}.type`)]),
    ...(format && !columnFormats.includes(format) ? [invalid(`${field}.format`, format, `must be one of ${columnFormats.join(',')}`)] : []),
    ...(jsonPath ? validatePath(jsonPath, `${field}.jsonPath`) : [required(`${field}.JSONPath`)]),
  ];
}

const validatePath = (path: string, field: string): FieldError[] =>
  parseJsonPath(path) ? [] : [invalid(field, path, 'is an invalid JSON path')];

const maxSelectable = 8;

function validateSelectable(fields: readonly { jsonPath: string }[], schema: JsonSchema | undefined, field: string): FieldError[] {
  const errors = fields.length > maxSelectable ? [tooMany(field, fields.length, maxSelectable)] : [];
  const paths = fields.map(({ jsonPath }) => jsonPath);
  return [...errors, ...paths.flatMap((path, i) => validateSelectableField(path, { schema, field: `${field}[${i}].jsonPath`, seen: paths.slice(0, i) }))];
}

const selectableTypes = ['string', 'boolean', 'integer'];

function validateSelectableField(path: string, { schema, field, seen }: { schema: JsonSchema | undefined; field: string; seen: readonly string[] }): FieldError[] {
  if (!path) return [required(field)];
  if (seen.includes(path)) return [duplicate(field, path)];
  const steps = parseJsonPath(path);
  if (!isPlain(steps) || !path.startsWith('.')) return [invalid(field, path, 'is an invalid path: must be a simple path without array notation')];
  if (/^\.(?:metadata|apiVersion|kind)(?:\.|$)/.test(path)) return [invalid(field, path, 'must not point to fields in metadata')];
  const found = steps!.reduce<JsonSchema | undefined>((at, step) => (step.take === 'key' ? at?.properties?.[step.key] : undefined), schema);
  if (!found) return [invalid(field, path, 'is an invalid path: does not refer to a valid field')];
  if (found.type && selectableTypes.includes(found.type) && !isIntOrString(found)) return [];
  return [notSupported(field, found.type ?? '', selectableTypes)];
}
