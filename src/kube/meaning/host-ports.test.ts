import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../objects/core.ts';
import { clash, hostPortsOf } from './host-ports.ts';

const container = (name: string, hostPort: number, more: object = {}) => ({ name, image: 'x', ports: [{ containerPort: 80, hostPort }, { containerPort: 81 }], ...more });

test('HPT-05: ports of containers and of sidecars are asked for; those of init containers, which end, and plain ones are not', () => {
  const spec = { initContainers: [container('once', 1), container('sidecar', 2, { restartPolicy: 'Always' })], containers: [container('main', 3)] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec } as unknown as Pod;
  assert.deepEqual(hostPortsOf(pod).map(({ hostIP, hostPort, containerPort, protocol }) => [hostIP, hostPort, containerPort, protocol]), [['', 2, 80, 'TCP'], ['', 3, 80, 'TCP']]);
});

const at = (hostIP: string, hostPort = 80, protocol: 'TCP' | 'UDP' = 'TCP') => ({ hostIP, hostPort, containerPort: 1, protocol });
const rows: [about: string, one: ReturnType<typeof at>, other: ReturnType<typeof at>, inTheWay: boolean][] = [
  ['every address twice', at(''), at(''), true],
  ['every address, said in two ways', at(''), at('0.0.0.0'), true],
  ['every address and one of IPv6', at('0.0.0.0'), at('fd00::1'), true],
  ['one address twice', at('10.0.0.1'), at('10.0.0.1'), true],
  ['two addresses', at('10.0.0.1'), at('10.0.0.2'), false],
  ['two numbers', at(''), at('', 81), false],
  ['two protocols', at(''), at('', 80, 'UDP'), false],
];
for (const [about, one, other, inTheWay] of rows) {
  test(`HPT-05: ${about} ${inTheWay ? 'clash' : 'stand side by side'}`, () => assert.deepEqual([clash(one, other), clash(other, one)], [inTheWay, inTheWay]));
}
