// The kubeconfig of a cluster, as text: certificate and keys inside, so that the file stands alone.
import type { KeyPair } from './certificates.ts';

export interface KubeconfigOptions {
  /** Names cluster, user and context. */
  name: string;
  /** `https://…` */
  server: string;
  /** PEM. */
  caCert: string;
  credential: KeyPair | { token: string };
  namespace?: string;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

export function printKubeconfig({ name, server, caCert, credential, namespace }: KubeconfigOptions): string {
  const user =
    'token' in credential
      ? [`    token: ${credential.token}`]
      : [`    client-certificate-data: ${base64(credential.cert)}`, `    client-key-data: ${base64(credential.key)}`];
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${name}`,
    '  cluster:',
    `    server: ${server}`,
    `    certificate-authority-data: ${base64(caCert)}`,
    'users:',
    `- name: ${name}`,
    '  user:',
    ...user,
    'contexts:',
    `- name: ${name}`,
    '  context:',
    `    cluster: ${name}`,
    `    user: ${name}`,
    ...(namespace ? [`    namespace: ${namespace}`] : []),
    `current-context: ${name}`,
    '',
  ].join('\n');
}
