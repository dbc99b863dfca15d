import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as names from './names.ts';

const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const label1035 = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const wildcard = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualified = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const configKey = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

type Check = (value: string) => string[];
const rows: [what: string, check: Check, value: string, complaints: string[]][] = [
  ['label', names.checkDns1123Label, '123-abc', []],
  ['label', names.checkDns1123Label, 'a.b', ['must not contain dots']],
  ['label', names.checkDns1123Label, '-a', [label]],
  ['label', names.checkDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
  ['subdomain', names.checkDns1123Subdomain, 'a.b-c.d', []],
  ['subdomain', names.checkDns1123Subdomain, 'A', [subdomain]],
  ['subdomain', names.checkDns1123Subdomain, 'a'.repeat(254), ['must be no more than 253 characters']],
  ['Service name (SVC-03)', names.checkDns1035Label, 'my-service', []],
  ['Service name (SVC-03)', names.checkDns1035Label, '1abc', [label1035]],
  ['Service name (SVC-03)', names.checkDns1035Label, 'My', [label1035]],
  ['Service name (SVC-03)', names.checkDns1035Label, 'a.b', [label1035]],
  ['Service name (SVC-03)', names.checkDns1035Label, 'a'.repeat(64), ['must be no more than 63 characters']],
  ['wildcard (ING-11)', names.checkWildcardSubdomain, '*.foo.com', []],
  ['wildcard (ING-11)', names.checkWildcardSubdomain, '*', [wildcard]],
  ['wildcard (ING-11)', names.checkWildcardSubdomain, 'foo.*.com', [wildcard]],
  ['qualified name', names.checkQualifiedName, 'example.com/MyName', []],
  ['qualified name', names.checkQualifiedName, '-x', [`name part ${qualified}`]],
  ['qualified name', names.checkQualifiedName, 'a/', ['name part must be non-empty', `name part ${qualified}`]],
  ['qualified name', names.checkQualifiedName, '/a', ['prefix part must be non-empty']],
  ['qualified name', names.checkQualifiedName, 'A/a', [`prefix part ${subdomain}`]],
  ['qualified name', names.checkQualifiedName, 'x'.repeat(64), ['name part must be no more than 63 characters']],
  ['qualified name', names.checkQualifiedName, 'a/b/c', [`a qualified name ${qualified} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]],
  ['port name (SVC-15)', names.checkPortName, 'http-web-svc', []],
  ['port name (SVC-15)', names.checkPortName, 'a'.repeat(16), ['must be no more than 15 characters']],
  ['port name (SVC-15)', names.checkPortName, 'A', ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)', 'must contain at least one letter (a-z)']],
  ['port name (SVC-15)', names.checkPortName, '80', ['must contain at least one letter (a-z)']],
  ['port name (SVC-15)', names.checkPortName, 'a--b', ['must not contain consecutive hyphens']],
  ['port name (SVC-15)', names.checkPortName, '-a', ['must not begin or end with a hyphen']],
  ['config key', names.checkConfigKey, 'a b', [configKey]],
  ['config key', names.checkConfigKey, '.', ["must not be '.'"]],
  ['config key', names.checkConfigKey, '..', ["must not be '..'"]],
  ['config key', names.checkConfigKey, '..a', ["must not start with '..'"]],
  ['RBAC name', names.checkPathSegment, 'system:node', []],
  ['RBAC name', names.checkPathSegment, '..', ["may not be '..'"]],
  ['RBAC name', names.checkPathSegment, 'a/b%', ["may not contain '/'", "may not contain '%'"]],
];
for (const [what, check, value, complaints] of rows) {
  const shown = value.length > 20 ? `of ${value.length} characters` : JSON.stringify(value);
  test(`${what} ${shown}: ${complaints.length} complaints`, () => assert.deepEqual(check(value), complaints));
}

test('SVC-13: ports run from 1 to 65535', () => {
  assert.deepEqual([0, 1, 65_535, 65_536, 1.5].map((port) => names.checkPortNumber(port).length), [1, 0, 0, 1, 1]);
  assert.deepEqual(names.checkPortNumber(0), ['must be between 1 and 65535, inclusive']);
});
