import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  createNamespace,
  homeNamespace,
  inNamespace,
  listNamespaces,
  namespaceOf,
  removeNamespace,
} from './namespaces.ts';
import { readSysctlHere } from './sysctl.ts';

const here = () => readlinkSync('/proc/thread-self/ns/net');
const links = () => readFileSync('/proc/thread-self/net/dev', 'utf8').match(/^ *\S+(?=:)/gm)?.map((name) => name.trim());
const prefix = `test-ns-${process.pid}-`;

describe('network namespaces', () => {
  afterEach(() => listNamespaces(prefix).forEach(removeNamespace));

  test('a new namespace has nothing but loopback, and the thread is home again', () => {
    const home = here();
    const namespace = createNamespace(`${prefix}a`);
    assert.equal(here(), home);
    inNamespace(namespace, () => {
      assert.notEqual(here(), home);
      assert.deepEqual(links(), ['lo']);
    });
    assert.equal(here(), home);
  });

  test('sysctls are set before anything else exists in it', () => {
    const namespace = createNamespace(`${prefix}a`, { 'net/ipv4/ip_forward': '1', 'net/ipv6/conf/default/accept_dad': '0' });
    assert.equal(inNamespace(namespace, () => readSysctlHere('net/ipv4/ip_forward')), '1');
    assert.equal(inNamespace(namespace, () => readSysctlHere('net/ipv6/conf/default/accept_dad')), '0');
  });

  test('a window inside a window leads back to the outer one, and home is reachable from within', () => {
    const home = here();
    const [a, b] = [createNamespace(`${prefix}a`), createNamespace(`${prefix}b`)];
    inNamespace(a, () => {
      const inA = here();
      inNamespace(b, () => assert.notEqual(here(), inA));
      assert.equal(here(), inA);
      assert.equal(inNamespace(homeNamespace, here), home);
      const c = createNamespace(`${prefix}c`);
      assert.equal(here(), inA);
      assert.notEqual(inNamespace(c, here), inA);
    });
    assert.equal(here(), home);
  });

  test('an error thrown in a window comes out, with the thread home again', () => {
    const home = here();
    const namespace = createNamespace(`${prefix}a`);
    assert.throws(() => inNamespace(namespace, () => assert.fail('inside')), /inside/);
    assert.equal(here(), home);
  });

  test('a body that returns a promise is refused', () => {
    const namespace = createNamespace(`${prefix}a`);
    assert.throws(() => inNamespace(namespace, async () => {}), /must be synchronous/);
  });

  test('work of the thread pool started in a window still happens at home', async () => {
    const namespace = createNamespace(`${prefix}a`);
    const [inside, home] = await Promise.all([
      inNamespace(namespace, () => ({ pending: stat('/proc/thread-self/ns/net') })).pending,
      stat('/proc/thread-self/ns/net'),
    ]);
    assert.equal(inside.ino, home.ino);
  });

  test('a worker has windows of its own', async () => {
    const namespace = createNamespace(`${prefix}a`);
    const [inside, home] = [inNamespace(namespace, here), here()];
    const code = `import(process.argv[2]).then(({ inNamespace, namespaceOf }) => {
      const here = () => require('node:fs').readlinkSync('/proc/thread-self/ns/net');
      require('node:worker_threads').parentPort.postMessage([inNamespace(namespaceOf(process.argv[3]), here), here()]);
    })`;
    const worker = new Worker(code, { eval: true, argv: [new URL('./namespaces.ts', import.meta.url).href, namespace.name] });
    assert.deepEqual((await once(worker, 'message'))[0], [inside, home]);
    assert.equal(here(), home);
  });

  test('a name can be taken once; a refused sysctl leaves no name behind', () => {
    createNamespace(`${prefix}a`);
    assert.throws(() => createNamespace(`${prefix}a`), { code: 'EEXIST' });
    assert.throws(() => createNamespace(`${prefix}b`, { 'net/ipv4/no_such_thing': '1' }), { code: /ENOENT|EACCES/ });
    assert.deepEqual(listNamespaces(prefix).map(({ name }) => name), [`${prefix}a`]);
  });

  test('removal frees the name, may be repeated, and takes half-made names too', () => {
    const namespace = createNamespace(`${prefix}a`);
    removeNamespace(namespace);
    removeNamespace(namespace);
    assert.throws(() => inNamespace(namespace, here), { code: 'ENOENT' });
    writeFileSync(namespaceOf(`${prefix}half`).path, '');
    removeNamespace(namespaceOf(`${prefix}half`));
    assert.deepEqual(listNamespaces(prefix), []);
  });
});
