// The published Gateway API definitions, where a test can find them: FAIRLEAD_GATEWAY_API, or beside the checkout.
// They are test data that is never part of the project.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { CustomResourceDefinition } from '../../src/kube/objects/api-extensions.ts';

const places = [process.env['FAIRLEAD_GATEWAY_API'], join(import.meta.dirname, '../../../shared/data/gateway-api-v1.6.1'), join(import.meta.dirname, '../../../../shared/data/gateway-api-v1.6.1')];

export const gatewayApiFolder: string | undefined = places.find((path) => path && existsSync(join(path, 'standard')));

/** For the names of tests: why they do nothing. */
export const absent = gatewayApiFolder ? '' : ' (the published Gateway API files are absent: not tested)';

export const channels = ['standard', 'experimental'] as const;

export const channelFolder = (channel: string): string => join(gatewayApiFolder ?? '', channel);

export function definitionsOf(channel: string): CustomResourceDefinition[] {
  if (!gatewayApiFolder) return [];
  const files = readdirSync(channelFolder(channel)).filter((name) => name.endsWith('.yaml'));
  const documents = files.flatMap((name) => loadAll(readFileSync(join(channelFolder(channel), name), 'utf8')) as { kind?: string }[]);
  return documents.filter((document) => document?.kind === 'CustomResourceDefinition') as unknown as CustomResourceDefinition[];
}
