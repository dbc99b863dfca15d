import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairQueue, type Leave } from './fair-queue.ts';

const never = new AbortController().signal;
/** Lets promises that can settle do so. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a modest client is served next, however many requests a greedy one has waiting', async () => {
  const queue = createFairQueue({ seats: 4, seatsPerFlow: 4, queuePerFlow: 1000 });
  const served: string[] = [];
  const leaves: Leave[] = [];
  const ask = (name: string) => void queue.enter(name, never).then((leave) => {
    served.push(name);
    leaves.push(leave as Leave);
  });
  for (let i = 0; i < 500; i++) ask('greedy');
  await turn();
  assert.equal(served.length, 4);
  for (let i = 0; i < 3; i++) ask('modest');
  for (let i = 0; i < 6; i++) {
    leaves.shift()!();
    await turn();
  }
  assert.deepEqual(served.slice(4), ['greedy', 'modest', 'greedy', 'modest', 'greedy', 'modest']);
});

test('seats that one flow may not have are there for a newcomer at once', async () => {
  const queue = createFairQueue({ seats: 4, seatsPerFlow: 3, queuePerFlow: 10 });
  for (let i = 0; i < 8; i++) void queue.enter('greedy', never);
  await turn();
  assert.deepEqual([queue.inFlight, queue.waiting], [3, 5]);
  assert.equal(typeof (await queue.enter('modest', never)), 'function');
});

test('what a flow asks beyond its queue is refused; others are not', async () => {
  const queue = createFairQueue({ seats: 1, seatsPerFlow: 1, queuePerFlow: 2 });
  const leave = (await queue.enter('a', never)) as Leave;
  const waiting = [queue.enter('a', never), queue.enter('a', never)];
  assert.equal(await queue.enter('a', never), 'refused');
  const other = queue.enter('b', never);
  leave();
  assert.equal(typeof (await waiting[0]), 'function');
  assert.equal(queue.waiting, 2);
  ((await waiting[0]) as Leave)();
  assert.equal(typeof (await other), 'function');
});

test('a request whose client has gone gives up its place', async () => {
  const queue = createFairQueue({ seats: 1, seatsPerFlow: 1, queuePerFlow: 2 });
  const leave = (await queue.enter('a', never)) as Leave;
  const going = new AbortController();
  const left = queue.enter('a', going.signal);
  const stays = queue.enter('a', never);
  going.abort();
  assert.equal(await left, 'gone');
  leave();
  assert.equal(typeof (await stays), 'function');
  assert.deepEqual([queue.inFlight, queue.waiting], [1, 0]);
});

test('a seat is given back once, whoever calls how often', async () => {
  const queue = createFairQueue({ seats: 2, seatsPerFlow: 2, queuePerFlow: 2 });
  const leave = (await queue.enter('a', never)) as Leave;
  leave();
  leave();
  assert.equal(queue.inFlight, 0);
});
