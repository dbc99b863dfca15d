import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../../base/data/freeze.ts';
import type { ObjectMeta } from '../../objects/meta.ts';
import { validateObjectMeta } from './object-meta.ts';

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
const base: ObjectMeta = { name: 'a', namespace: 'x', uid: '1', generation: 2 };
type Row = [about: string, meta: Partial<ObjectMeta>, errors: (string | RegExp)[], old?: Partial<ObjectMeta>];
const rows: Row[] = [
  ['good metadata passes', {}, []],
  ['a name is needed', { name: '' }, ['metadata.name: Required value: name or generateName is required']],
  ['a generated name may end in a dash', { generateName: 'web-' }, []],
  ['a bad generateName is told', { generateName: 'Web-' }, [/^metadata.generateName: Invalid value: "Web-": a lowercase RFC 1123 subdomain/]],
  ['a namespace is needed', { namespace: '' }, ['metadata.namespace: Required value']],
  ['a negative generation is refused', { generation: -1 }, ['metadata.generation: Invalid value: -1: must be greater than or equal to 0']],
  ['label keys are qualified names', { labels: { 'a b': 'c' } }, [/^metadata.labels: Invalid value: "a b": name part must consist of/]],
  ['label values are checked', { labels: { a: '!' } }, [/^metadata.labels: Invalid value: "!": a valid label must be an empty string/]],
  ['annotation keys may have capitals in the prefix', { annotations: { 'Foo.com/a': '' } }, []],
  ['annotations have a size', { annotations: { a: 'x'.repeat(262_144) } }, ['metadata.annotations: Too long: may not be more than 262144 bytes']],
  ['a plain finalizer must be a known one', { finalizers: ['mine'] }, ['metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified']],
  ['standard finalizers pass', { finalizers: ['orphan', 'kubernetes', 'a.b/c'] }, []],
  ['orphan and foreground exclude each other', { finalizers: ['orphan', 'foregroundDeletion'] }, ['metadata.finalizers: Invalid value: []string{"orphan", "foregroundDeletion"}: orphan and foregroundDeletion cannot be both set']],
  ['owners need all fields', { ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }] }, [
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
    'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ]],
  ['events own nothing', { ownerReferences: [{ ...owner, kind: 'Event' }] }, [/Kind=Event is disallowed from being an owner$/]],
  ['one controller at most', { ownerReferences: [owner, { ...owner, name: 'q' }] }, [/Only one reference can have Controller set to true. Found "true" in references for p and q$/]],
  ['a uid cannot change', { uid: '2' }, ['metadata.uid: Invalid value: "2": field is immutable'], {}],
  ['a name cannot change', { name: 'b' }, ['metadata.name: Invalid value: "b": field is immutable'], {}],
  ['a client may leave the uid out', { uid: undefined }, [], {}],
  ['generations do not go back', { generation: 1 }, ['metadata.generation: Invalid value: 1: must not be decremented'], {}],
  ['no new finalizers while deleting', { finalizers: ['a.b/c', 'd.e/f'], deletionTimestamp: 't' }, [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
  ], { finalizers: ['a.b/c'], deletionTimestamp: 't' }],
];
const objectOf = (meta: Partial<ObjectMeta>) => deepFreeze({ apiVersion: 'v1', kind: 'Thing', metadata: { ...base, ...meta } });

for (const [about, meta, errors, old] of rows) {
  test(`metadata: ${about}`, () => {
    const found = validateObjectMeta(objectOf(meta), { namespaced: true }, old && objectOf(old)).map(({ field, message }) => `${field}: ${message}`);
    assert.equal(found.length, errors.length, found.join('\n'));
    for (const [i, error] of errors.entries()) {
      if (typeof error === 'string') assert.equal(found[i], error);
      else assert.match(found[i] ?? '', error);
    }
  });
}

test('metadata: a cluster-scoped object has no namespace', () =>
  assert.equal(validateObjectMeta(objectOf({}), { namespaced: false })[0]?.message, 'Forbidden: not allowed on this type'));
