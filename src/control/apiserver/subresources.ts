// The subresources of each resource and who answers them: one table for dispatch and for discovery.
import type { Handler } from './api.ts';
import type { Resource } from './registry.ts';
import { bindPod } from './verbs/binding.ts';
import { evictPod } from './verbs/eviction.ts';
import { getObject } from './verbs/get.ts';
import { patchObject } from './verbs/patch.ts';
import { getScale, patchScale, updateScale } from './verbs/scale.ts';
import { createToken } from './verbs/token.ts';
import { updateObject } from './verbs/update.ts';
import { answerLog } from './streams/log.ts';
import { proxyToPod, proxyToService } from './streams/proxy.ts';
import { needsUpgrade } from './streams/upgrade.ts';

export interface SubresourceEntry {
  name: string;
  /** Of what travels, where it is not the parent's. */
  apiVersion?: string;
  kind?: string;
  verbs: readonly string[];
  handlers: Readonly<Partial<Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS', Handler>>>;
}

const status: SubresourceEntry = {
  name: 'status',
  verbs: ['get', 'patch', 'update'],
  handlers: { GET: getObject, PUT: updateObject, PATCH: patchObject },
};

const scale: SubresourceEntry = {
  name: 'scale',
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  verbs: ['get', 'patch', 'update'],
  handlers: { GET: getScale, PUT: updateScale, PATCH: patchScale },
};

/** Streams are opened by an upgrade, which never comes here; plain requests are told so. */
const stream = (name: string, kind: string): SubresourceEntry => ({
  name,
  kind,
  verbs: ['create', 'get'],
  handlers: { GET: needsUpgrade, POST: needsUpgrade },
});

const proxy = (kind: string, handler: Handler): SubresourceEntry => ({
  name: 'proxy',
  kind,
  verbs: ['create', 'delete', 'get', 'patch', 'update'],
  handlers: { GET: handler, POST: handler, PUT: handler, PATCH: handler, DELETE: handler, HEAD: handler, OPTIONS: handler },
});

/** By apiVersion and plural. */
const particular: Readonly<Record<string, readonly SubresourceEntry[]>> = {
  'v1/namespaces': [{ name: 'finalize', verbs: ['update'], handlers: { PUT: updateObject } }],
  'v1/pods': [
    stream('attach', 'PodAttachOptions'),
    { name: 'binding', kind: 'Binding', verbs: ['create'], handlers: { POST: bindPod } },
    { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'], handlers: { GET: getObject, PUT: updateObject, PATCH: patchObject } },
    { name: 'eviction', apiVersion: 'policy/v1', kind: 'Eviction', verbs: ['create'], handlers: { POST: evictPod } },
    stream('exec', 'PodExecOptions'),
    { name: 'log', verbs: ['get'], handlers: { GET: answerLog } },
    stream('portforward', 'PodPortForwardOptions'),
    proxy('PodProxyOptions', proxyToPod),
  ],
  'v1/serviceaccounts': [
    { name: 'token', apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', verbs: ['create'], handlers: { POST: createToken } },
  ],
  'v1/services': [proxy('ServiceProxyOptions', proxyToService)],
};

/** Those every kind may declare, and those of this one alone, in the order discovery lists them. */
export function subresourcesOf({ kind }: Resource): SubresourceEntry[] {
  const declared = (kind.subresources ?? []).map((name) => (name === 'status' ? status : scale));
  const own = particular[`${kind.apiVersion}/${kind.plural}`] ?? [];
  return [...own, ...declared].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
