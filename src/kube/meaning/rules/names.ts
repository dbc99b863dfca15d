// What may be called what: every check returns the complaints, in upstream's words, [] when the name is good.
// Each text is public: clients print it and tests of other products look for it.

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualified})?`;
const configKey = '[-._a-zA-Z0-9]+';
const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const environmentName = '[-._a-zA-Z][-._a-zA-Z0-9]*';

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);
const isLabel = whole(label);
const isSubdomain = whole(subdomain);
const isLabel1035 = whole(label1035);
const isWildcard = whole(`\\*\\.${subdomain}`);
const isQualified = whole(qualified);
const isLabelValue = whole(labelValue);
const isConfigKey = whole(configKey);
const isHttpPath = whole(httpPath);
const isEnvironmentName = whole(environmentName);

/** `text (e.g. 'a',  or 'b', regex used for validation is '…')`; the double blank is upstream's and stays. */
function withPattern(text: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${text} (regex used for validation is '${pattern}')`;
  return `${text} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

export const tooManyCharacters = (max: number): string => `must be no more than ${max} characters`;

const lengthWithin = (value: string, max: number): string[] => (Buffer.byteLength(value) > max ? [tooManyCharacters(max)] : []);

const labelText = withPattern(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label,
  'my-name',
  '123-abc',
);
const subdomainText = withPattern(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain,
  'example.com',
);
const label1035Text = withPattern(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  label1035,
  'my-name',
  'abc-123',
);
const wildcardText = withPattern(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${subdomain}`,
  '*.example.com',
);
const qualifiedText = withPattern(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualified,
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueText = withPattern(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  labelValue,
  'MyValue',
  'my_value',
  '12345',
);
const configKeyText = withPattern(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  configKey,
  'key.name',
  'KEY_NAME',
  'key-name',
);
const environmentText = withPattern(
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  environmentName,
  'my.env-name',
  'MY_ENV.NAME',
  'MyEnvName1',
);

export function checkDns1123Label(value: string): string[] {
  const complaints = lengthWithin(value, 63);
  if (isLabel.test(value)) return complaints;
  return [...complaints, isSubdomain.test(value) ? 'must not contain dots' : labelText];
}

export const checkDns1123Subdomain = (value: string): string[] => [
  ...lengthWithin(value, 253),
  ...(isSubdomain.test(value) ? [] : [subdomainText]),
];

export const checkDns1035Label = (value: string): string[] => [
  ...lengthWithin(value, 63),
  ...(isLabel1035.test(value) ? [] : [label1035Text]),
];

export const checkWildcardSubdomain = (value: string): string[] => [
  ...lengthWithin(value, 253),
  ...(isWildcard.test(value) ? [] : [wildcardText]),
];

/** `name` or `prefix.example/name`: label keys, finalizers, application protocols. */
export function checkQualifiedName(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2) {
    return [`a qualified name ${qualifiedText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1) ?? '';
  const complaints = parts.length === 2 ? checkPrefix(parts[0] ?? '') : [];
  if (name === '') complaints.push('name part must be non-empty');
  else if (name.length > 63) complaints.push(`name part ${tooManyCharacters(63)}`);
  if (!isQualified.test(name)) complaints.push(`name part ${qualifiedText}`);
  return complaints;
}

const checkPrefix = (prefix: string): string[] =>
  prefix === '' ? ['prefix part must be non-empty'] : checkDns1123Subdomain(prefix).map((complaint) => `prefix part ${complaint}`);

export const checkLabelValue = (value: string): string[] => [
  ...lengthWithin(value, 63),
  ...(isLabelValue.test(value) ? [] : [labelValueText]),
];

/** Names of container and target ports (IANA service names). */
export function checkPortName(value: string): string[] {
  const complaints = lengthWithin(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) complaints.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) complaints.push('must contain at least one letter (a-z)');
  if (value.includes('--')) complaints.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) complaints.push('must not begin or end with a hyphen');
  return complaints;
}

export const checkPortNumber = (value: number): string[] =>
  Number.isInteger(value) && value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];

/** Keys of ConfigMaps and Secrets: they become file names, so `.` and `..` are refused. */
export function checkConfigKey(value: string): string[] {
  const complaints = lengthWithin(value, 253);
  if (!isConfigKey.test(value)) complaints.push(configKeyText);
  if (value === '.') complaints.push("must not be '.'");
  else if (value === '..') complaints.push("must not be '..'");
  else if (value.startsWith('..')) complaints.push("must not start with '..'");
  return complaints;
}

export const checkEnvironmentName = (value: string): string[] => (isEnvironmentName.test(value) ? [] : [environmentText]);

/** RBAC and other names that only have to fit into a URL path. */
export function checkPathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((mark) => value.includes(mark)).map((mark) => `may not contain '${mark}'`);
}

export const checkHttpPath = (value: string): string[] =>
  isHttpPath.test(value) ? [] : [withPattern('Invalid path', httpPath, '')];

/**
 * A generateName is checked as if its random tail were there already: one trailing dash is fine.
 * Upstream masks it the same way before it asks the name rule.
 */
export const maskTrailingDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
