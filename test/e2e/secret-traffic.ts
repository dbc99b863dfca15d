// A server that is shown secrets in every way it can be shown them; run by api-audit.test.ts as a process of its own,
// with everything logged. Arguments: the word that must stay secret, the audit file.
import { startApi } from './api-under-test.ts';

const [, , word = '', auditLogPath = ''] = process.argv;
const token = `${word}-token`;
const api = await startApi({ auditLogPath, tokens: [{ token, user: { name: 'eve', groups: ['system:masters'] } }] });
const secrets = '/api/v1/namespaces/default/secrets';
const secret = { metadata: { name: 'plain' }, stringData: { word } };

await api.call('POST', secrets, { body: secret, token });
await api.call('GET', `${secrets}/plain`, { token, headers: { 'audit-id': 'chosen-by-the-client' } });
await api.call('PATCH', `${secrets}/plain`, { body: { data: { word: `not base64 ${word}` } }, type: 'application/merge-patch+json' });
await api.call('POST', secrets, { body: `{"broken": "${word}`, token });
await api.call('GET', secrets, { token: `wrong-${word}` });
await api.call('PUT', `${secrets}/plain`, { body: { ...secret, kind: 'ConfigMap', apiVersion: 'v1' } });
await api.call('GET', '/api/v1/pods', { headers: { 'impersonate-user': 'bob' } });
await api.close();
