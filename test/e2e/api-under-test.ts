// An API server on loopback with a store in memory, and the clients the tests drive it with.
import { defaultRoles } from '../../src/control/apiserver/identity/rbac/default-roles.ts';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest, Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostSockets, type Sockets } from '../../src/base/run/sockets.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../src/control/apiserver/server.ts';
import { type ClusterCertificates, openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import type { KeyPair } from '../../src/control/apiserver/identity/keys.ts';
import { printKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createMemoryStore, type EmbeddedStore } from '../../src/kube/store/embedded.ts';

export interface Reply {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // eslint-disable-next-line typescript/no-explicit-any -- bodies of every shape
  json: any;
}

export interface CallOptions {
  body?: unknown;
  /** Content-Type; null sends none. */
  type?: string | null;
  accept?: string;
  token?: string;
  anonymous?: boolean;
  headers?: Record<string, string>;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface ApiUnderTest {
  store: EmbeddedStore;
  port: number;
  ca: string;
  certificates: ClusterCertificates;
  admin: KeyPair;
  agent: Agent;
  folder: string;
  kubeconfig: string;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  kubectl(args: string, input?: string): Promise<Ran>;
  kubectlAs(binary: string, args: readonly string[], input?: string): Promise<Ran>;
  tokens: ApiServer['tokens'];
  /** An outage: nobody listens until `resume`; the objects stay. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

export const kubectlPath = process.env['FAIRLEAD_KUBECTL'] ?? 'kubectl';

export interface StartOptions extends Partial<Omit<ApiServerOptions, 'store'>> {
  store?: EmbeddedStore;
  /** Of the namespace whose loopback it listens on; `call` and `kubectl` reach only our own. */
  sockets?: Sockets;
}

export async function startApi(options: StartOptions = {}): Promise<ApiUnderTest> {
  const store = options.store ?? createMemoryStore(options.kinds ?? kinds);
  for (const name of ['default', 'kube-system']) await store.write({ verb: 'create', object: namespaceObject(name) });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } };
  await store.write({ verb: 'create', object: account });
  for (const object of defaultRoles) await store.write({ verb: 'create', object });
  const certificates = await openCertificates({ servingNames: ['127.0.0.1'] });
  const admin = await certificates.issueClient('admin', ['system:masters']);
  const begin = async (at: number) => {
    const fresh = createApiServer({ kinds, certificates, ...options, store });
    return { server: fresh, port: await fresh.listen(options.sockets ?? hostSockets, { address: '127.0.0.1', port: at }) };
  };
  const first = await begin(0);
  const { port } = first;
  let { server } = first;
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-api-'));
  const kubeconfig = join(folder, 'config');
  const url = `https://127.0.0.1:${port}`;
  await writeFile(kubeconfig, printKubeconfig('test', { server: url, ca: certificates.ca.cert, clientCert: admin.cert, clientKey: admin.key }));
  const ca = certificates.ca.cert;
  const agent = new Agent({ ca, cert: admin.cert, key: admin.key, keepAlive: true });
  const bare = new Agent({ ca, keepAlive: true });
  const env = { ...process.env, HOME: folder, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(folder, 'cache') };

  const kubectlAs = (binary: string, args: readonly string[], input?: string) =>
    new Promise<Ran>((resolve) => {
      const child = execFile(binary, [...args], { env, maxBuffer: 1 << 26 }, (error, out, err) =>
        resolve({ code: error ? ((error.code as unknown as number) ?? 1) : 0, out, err }),
      );
      child.stdin!.end(input ?? '');
    });

  return {
    store,
    port,
    ca,
    certificates,
    admin,
    agent,
    folder,
    kubeconfig,
    call: (method, path, asked = {}) => call({ port, agent: asked.anonymous || asked.token ? bare : agent, method, path }, asked),
    kubectl: (args, input) => kubectlAs(kubectlPath, args.split(/\s+/), input),
    kubectlAs,
    tokens: server.tokens,
    pause: () => server.close(),
    async resume() {
      ({ server } = await begin(port));
    },
    async close() {
      agent.destroy();
      bare.destroy();
      await server.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

export const namespaceObject = (name: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }) as KubeObject;

function call(to: { port: number; agent: Agent; method: string; path: string }, asked: CallOptions): Promise<Reply> {
  const { body, type = 'application/json', accept, token } = asked;
  const sent = body === undefined ? undefined : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const headers = {
    ...(sent !== undefined && type !== null && { 'content-type': type }),
    ...(sent !== undefined && { 'content-length': Buffer.byteLength(sent) }),
    ...(accept && { accept }),
    ...(token && { authorization: `Bearer ${token}` }),
    ...asked.headers,
  };
  return new Promise((resolve, reject) => {
    const { port, agent, method, path } = to;
    const outgoing = httpsRequest({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = String(response.headers['content-type']).startsWith('application/json') && !text.trim().includes('}\n{');
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text, json: isJson && text ? JSON.parse(text) : undefined });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(sent);
  });
}
