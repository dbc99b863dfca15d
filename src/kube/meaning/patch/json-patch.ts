// JSON patch (RFC 6902) as a server needs it: bounds on how many operations, how much `copy` may multiply, and how much
// work they may cost together; a patch is plain data that may be applied again, so nothing of it becomes part of the object.
import { isObject, ownValue, setOwn } from '../../../base/data/json-value.ts';
import { deepEqual } from '../../../base/data/memo.ts';
import type { KubeObject } from '../../objects/meta.ts';
import { ApiError, badRequest } from '../api-error.ts';

const maxOperations = 10_000;
// Ten thousand copies of a copy would double an object ten thousand times; upstream allows one body's worth.
const maxCopiedBytes = 3 * 1024 * 1024;
// Items that move up or down when others are put in front of them or taken out: 50 ms of a processor.
const maxShiftedItems = 200_000_000;
// As deep as JSON may nest when it is read: everyone who walks an object may call itself that often.
const maxDepth = 500;

// Any operation that cannot be done, a failed test among them, is answered with these words.
const refused = () => new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

type Operation = Readonly<Record<string, unknown>>;

/** The document between two operations, and what is left of the bounds. */
interface Work {
  root: unknown;
  copyableBytes: number;
  shiftableItems: number;
}

/** The object after all operations; neither input is changed. Throws ApiError 400 (no patch), 413 (too many), 422 (cannot be done). */
export function jsonPatch<T extends KubeObject>(object: T, patch: unknown): T {
  const operations = asOperations(patch);
  const work: Work = { root: structuredClone(object), copyableBytes: maxCopiedBytes, shiftableItems: maxShiftedItems };
  for (const operation of operations) applyOne(work, operation);
  if (!isObject(work.root) || isDeeper(work.root, maxDepth)) throw refused();
  return work.root as unknown as T;
}

function asOperations(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch) || !patch.every(isObject)) throw badRequest('json: cannot unmarshal the patch into a list of operations');
  if (patch.length > maxOperations) {
    const text = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${text}`);
  }
  return patch;
}

function applyOne(work: Work, operation: Operation): void {
  const path = readPointer(operation['path']);
  switch (operation['op']) {
    case 'add':
      return add(work, path, givenValue(operation));
    case 'remove':
      return void remove(work, path);
    case 'replace':
      return replace(work, path, givenValue(operation));
    case 'move':
      return move(work, readPointer(operation['from']), path);
    case 'copy':
      return add(work, path, copyOf(work, readPointer(operation['from'])));
    case 'test':
      return check(work, path, ownValue(operation, 'value'));
    default:
      throw refused();
  }
}

type Pointer = readonly string[];

function readPointer(text: unknown): Pointer {
  if (text === '') return [];
  if (typeof text !== 'string' || !text.startsWith('/')) throw refused();
  return text.slice(1).split('/').map((step) => (step.includes('~') ? step.replaceAll('~1', '/').replaceAll('~0', '~') : step));
}

/** A copy: later operations may write into it. */
function givenValue(operation: Operation): unknown {
  const value = ownValue(operation, 'value');
  if (value === undefined) throw refused();
  return typeof value === 'object' ? structuredClone(value) : value;
}

type Container = Record<string, unknown> | unknown[];

/** What is one step below; undefined when nothing is there. Throws when nothing could be. */
function childOf(container: unknown, step: string): unknown {
  if (Array.isArray(container)) return container[placeUpTo(container.length - 1, step)];
  if (isObject(container)) return ownValue(container, step);
  throw refused();
}

/** The list or map that holds the end of the pointer, which is not empty. */
function parentOf(work: Work, pointer: Pointer): Container {
  let container = work.root;
  for (const step of pointer.slice(0, -1)) container = childOf(container, step);
  if (typeof container !== 'object' || container === null) throw refused();
  return container as Container;
}

function placeUpTo(last: number, step: string): number {
  const place = /^\d{1,9}$/.test(step) ? Number(step) : -1;
  if (place < 0 || place > last) throw refused();
  return place;
}

function valueAt(work: Work, pointer: Pointer): unknown {
  const value = pointer.length === 0 ? work.root : childOf(parentOf(work, pointer), pointer.at(-1)!);
  if (value === undefined) throw refused();
  return value;
}

function add(work: Work, pointer: Pointer, value: unknown): void {
  if (pointer.length === 0) return void (work.root = value);
  const [parent, step] = [parentOf(work, pointer), pointer.at(-1)!];
  if (!Array.isArray(parent)) return setOwn(parent, step, value);
  const place = step === '-' ? parent.length : placeUpTo(parent.length, step);
  spendShifts(work, parent.length - place);
  parent.splice(place, 0, value);
}

function remove(work: Work, pointer: Pointer): unknown {
  const value = valueAt(work, pointer);
  if (pointer.length === 0) {
    work.root = undefined;
    return value;
  }
  const [parent, step] = [parentOf(work, pointer), pointer.at(-1)!];
  if (Array.isArray(parent)) {
    spendShifts(work, parent.length - Number(step));
    parent.splice(Number(step), 1);
  } else delete parent[step];
  return value;
}

function replace(work: Work, pointer: Pointer, value: unknown): void {
  valueAt(work, pointer);
  if (pointer.length === 0) return void (work.root = value);
  const [parent, step] = [parentOf(work, pointer), pointer.at(-1)!];
  if (Array.isArray(parent)) parent[Number(step)] = value;
  else setOwn(parent, step, value);
}

/** Not into itself: there would be no end to it. */
function move(work: Work, from: Pointer, to: Pointer): void {
  if (from.length < to.length && from.every((step, i) => step === to[i])) throw refused();
  add(work, to, remove(work, from));
}

function copyOf(work: Work, from: Pointer): unknown {
  const value = valueAt(work, from);
  if (typeof value !== 'object') return value;
  const text = JSON.stringify(value);
  work.copyableBytes -= text.length;
  if (work.copyableBytes < 0) throw refused();
  return JSON.parse(text);
}

/** Null is also what is not there: clients ask that way whether a key is free. */
function check(work: Work, pointer: Pointer, wanted: unknown): void {
  const found = pointer.length === 0 ? work.root : childOf(parentOf(work, pointer), pointer.at(-1)!);
  if (wanted === undefined || !deepEqual(found ?? null, wanted)) throw refused();
}

function spendShifts(work: Work, items: number): void {
  work.shiftableItems -= items;
  if (work.shiftableItems < 0) throw refused();
}

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' && value !== null && (depth === 0 || Object.values(value).some((below) => isDeeper(below, depth - 1)));
