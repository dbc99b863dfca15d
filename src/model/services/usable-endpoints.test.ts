import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Candidate } from './slice-endpoints.ts';
import { keptEndpoints, type Place, readyNodes, usableEndpoints } from './usable-endpoints.ts';

/** `r` ready, `s` serving, `t` terminating; `@a` on node a (ours); `zx` hinted for zone x, `nx` for node x. */
function candidate(text: string): Candidate {
  const [name = '', flags = '', ...rest] = text.split(' ');
  const node = rest.find((part) => part.startsWith('@'))?.slice(1);
  const hints = (sign: string) => rest.filter((part) => part.startsWith(sign)).map((part) => part.slice(1));
  return {
    endpoint: { address: name, port: 80, node, local: node === 'a', origin: { kind: 'EndpointSlice', name: 's' } },
    ready: flags.includes('r'),
    serving: flags.includes('s'),
    terminating: flags.includes('t'),
    zoneHints: hints('z'),
    nodeHints: hints('n'),
  };
}

const here: Place = { node: 'a', zone: 'east' };

interface Row {
  readonly says: string;
  readonly from: readonly string[];
  readonly place?: Place;
  readonly cluster: string;
  readonly local?: string;
}

const rows: readonly Row[] = [
  { says: 'KPX-09: only ready endpoints get traffic', from: ['x rs', 'y -'], cluster: 'x' },
  { says: 'PROXY-20: none ready: serving and terminating ones get it', from: ['x st', 'y -', 'z s'], cluster: 'x' },
  { says: 'PROXY-22: one ready endpoint ends the fall-back', from: ['x st', 'y rs'], cluster: 'y' },
  { says: 'PROXY-24: terminating without serving is never used', from: ['x t'], cluster: '' },
  { says: 'EPS-13: ready and terminating (publishNotReadyAddresses) is ready', from: ['x rst', 'y st'], cluster: 'x' },
  { says: 'PROXY-21: Local decides by itself', from: ['x st @a', 'y rs @b'], cluster: 'y', local: 'x' },
  { says: 'PROXY-21: a ready local endpoint ends the local fall-back', from: ['x st @a', 'w rs @a'], cluster: 'w', local: 'w' },
  { says: 'ITP-03: none here', from: ['y rs @b'], cluster: 'y', local: '' },
  { says: 'TOPO-33: complete hints keep traffic in the zone', from: ['x rs zeast', 'y rs zwest'], cluster: 'x' },
  { says: 'TOPO-34: one endpoint without hint: all are used', from: ['x rs zeast', 'y rs'], cluster: 'x y' },
  { says: 'TOPO-35: zone not represented: all are used', from: ['x rs zwest', 'y rs zwest'], cluster: 'x y' },
  { says: 'TOPO-36: node without zone: all are used', from: ['x rs zeast', 'y rs zwest'], place: { node: 'a' }, cluster: 'x y' },
  { says: 'TOPO-36: an empty zone is no zone', from: ['x rs z', 'y rs zwest'], place: { node: 'a', zone: '' }, cluster: 'x y' },
  { says: 'TOPO-37: Local ignores hints', from: ['x rs @a zwest', 'y rs @b zeast'], cluster: 'y', local: 'x' },
  { says: 'TOPO-38: the fall-back ignores hints', from: ['x st zwest', 'y st zeast'], cluster: 'x y' },
  { says: 'TOPO-40: hinted for several zones', from: ['x rs zwest zeast', 'y rs zwest'], cluster: 'x' },
  { says: 'hints of endpoints that are not ready do not count', from: ['x rs zeast', 'y s'], cluster: 'x' },
  { says: 'node hints are tried before zone hints', from: ['x rs na zeast', 'y rs nb zeast'], cluster: 'x' },
  { says: 'no endpoint for this node: zone hints decide', from: ['x rs nc zeast', 'y rs nb zwest'], cluster: 'x' },
];

describe('usable endpoints', () => {
  for (const { says, from, place, cluster, local } of rows) {
    test(says, () => {
      const usable = usableEndpoints(from.map(candidate), place ?? here);
      assert.equal(usable.cluster.map(({ address }) => address).join(' '), cluster);
      if (local !== undefined) assert.equal(usable.local.map(({ address }) => address).join(' '), local);
    });
  }

  const kept: [says: string, from: string[], expected: string][] = [
    ['TOPO-41: of another zone', ['x rs zeast', 'y rs zwest'], 'y'],
    ['PROXY-31: terminating, while it serves', ['x rs', 'y st', 'z t', 'w -'], 'y'],
    ['on other nodes, where a Local policy has its own', ['x rs @a zwest', 'y rs @b zeast', 'z rs zwest'], 'z'],
    ['none where all are used', ['x rs', 'y rs'], ''],
  ];
  for (const [says, from, expected] of kept) {
    test(`connections go on, but none begin, with an endpoint ${says}`, () => {
      const candidates = from.map(candidate);
      assert.equal(keptEndpoints(candidates, usableEndpoints(candidates, here)).map(({ address }) => address).join(' '), expected);
    });
  }

  test('`cluster` is empty exactly when nothing is usable anywhere, for all 8 combinations of conditions', () => {
    for (const flags of ['-', 'r', 's', 't', 'rs', 'rt', 'st', 'rst']) {
      const candidates = [candidate(`x ${flags} @a`)];
      const { cluster, local } = usableEndpoints(candidates, here);
      const usable = flags.includes('r') || flags === 'st';
      assert.deepEqual([cluster.length, local.length, readyNodes(candidates).length], usable ? [1, 1, 1] : [0, 0, 0], flags);
    }
  });
});
