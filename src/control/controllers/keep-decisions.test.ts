import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Write } from '../../kube/store/store.ts';
import { decideKeeping } from './keep-decisions.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';

const object = (name: string, labels: Record<string, string> = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Thing', metadata: { name, labels } });
const many = Array.from({ length: 20 }, (_, i) => object(`s${String(i).padStart(2, '0')}`));

function world() {
  const grouped = groupKeeping((item: KubeObject) => item.metadata.labels?.['of']);
  const decisions = decideKeeping<KubeObject>();
  const asked: string[] = [];
  const wishing = new Set<string>();
  const decide = (items: readonly KubeObject[], members: readonly KubeObject[], shared: readonly unknown[] = []) => {
    const groups = grouped(members);
    const writes = decisions(items, { groups: [groups], shared }, (item) => {
      asked.push(`${item.metadata.name}:${groupOf(groups, item.metadata.name).length}`);
      return wishing.has(item.metadata.name) ? [{ verb: 'create', object: item } satisfies Write] : [];
    });
    return { writes: writes.length, asked: asked.splice(0) };
  };
  return { decide, wishing };
}

const members = many.map(({ metadata }) => object(`m-${metadata.name}`, { of: metadata.name }));

test('all are asked at first, and then those alone whose group or self changed', () => {
  const { decide } = world();
  assert.equal(decide(many, members).asked.length, 20);
  assert.deepEqual(decide(many, members).asked, []);
  assert.deepEqual(decide(many, [...members, object('m-x', { of: 's03' })]).asked, ['s03:2']);
  assert.deepEqual(decide(many.with(4, object('s04')), members).asked.toSorted(), ['s03:1', 's04:1']);
});

test('what concerns all asks all', () => {
  const { decide } = world();
  decide(many, members, ['zone a']);
  assert.equal(decide(many, members, ['zone b']).asked.length, 20);
});

test('who wished for something is asked again until the wish is gone, or the object', () => {
  const { decide, wishing } = world();
  wishing.add('s05');
  assert.equal(decide(many, members).writes, 1);
  assert.deepEqual(decide(many, members), { writes: 1, asked: ['s05:1'] });
  assert.deepEqual(decide(many.toSpliced(5, 1), members).asked, []);
  assert.deepEqual(decide(many, members).asked, ['s05:1']);
  wishing.clear();
  assert.deepEqual(decide(many, members), { writes: 0, asked: ['s05:1'] });
  assert.deepEqual(decide(many, members).asked, []);
});

test('after a decision that threw, all are asked', () => {
  const decisions = decideKeeping<KubeObject>();
  const fail = () => {
    throw new Error('no');
  };
  assert.throws(() => decisions(many, { groups: [] }, fail));
  let asked = 0;
  decisions(many, { groups: [] }, () => (asked++, []));
  assert.equal(asked, 20);
});
