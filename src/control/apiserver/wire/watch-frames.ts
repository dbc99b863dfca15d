// Watch events in the form the watcher asked for: lines of JSON, or protobuf frames behind their length.
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { encodePartial, encodeProtobuf, encodeWatchFrame, wrapProtobuf } from '../../../kube/wire/protobuf.ts';
import type { Resource } from '../registry.ts';
import type { ApiRequest } from '../request.ts';
import { tableWish } from './answers.ts';
import type { Form, Wanted } from './negotiate.ts';
import { printPartialProtobuf, printProtobuf } from './print-protobuf.ts';
import { printObject, printPartial } from './print.ts';
import { recentFrame } from './recent-frames.ts';
import { printTable } from './table.ts';

export interface EventPrinter {
  readonly contentType: string;
  /** Two printers with equal keys print equal bytes; absent: this one's depend on what it printed before. */
  readonly key?: string;
  change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): Buffer;
  /** Only a version: what lies before it has been sent. */
  bookmark(revision: number, endsInitialEvents: boolean): Buffer;
  error(status: { apiVersion: string; kind: string }): Buffer;
}

interface PrinterOptions {
  request: ApiRequest;
  resource: Resource;
  wanted: Wanted;
  now: () => Date;
}

export function createEventPrinter(options: PrinterOptions): EventPrinter {
  const { resource, wanted } = options;
  const { form } = wanted;
  if (form.shape === 'table') return tablePrinter(options, form.version);
  return wanted.encoding === 'protobuf' ? protobufPrinter(resource, form) : jsonPrinter(resource, form);
}

const line = (type: string, object: string) => Buffer.from(`{"type":"${type}","object":${object}}\n`);

const namesOf = ({ kind: { kind, apiVersion } }: Resource, form: Form) =>
  form.shape === 'partial' ? { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}` } : { kind, apiVersion };

const initialEnd = { annotations: { 'k8s.io/initial-events-end': 'true' } };

const jsonBookmark = (resource: Resource, form: Form): EventPrinter['bookmark'] => (revision, endsInitialEvents) => {
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(endsInitialEvents && initialEnd) };
  return line('BOOKMARK', JSON.stringify({ ...namesOf(resource, form), metadata }));
};

const jsonError: EventPrinter['error'] = (status) => line('ERROR', JSON.stringify(status));

function jsonPrinter(resource: Resource, form: Exclude<Form, { shape: 'table' }>): EventPrinter {
  const print = (stored: KubeObject) => (form.shape === 'object' ? printObject(resource, stored) : printPartial(stored, form.version));
  const about = frameKey(resource, form, 'json');
  return {
    contentType: 'application/json',
    key: about,
    change: (type, object) => recentFrame(object, `${type} ${about}`, () => line(type, print(object))),
    bookmark: jsonBookmark(resource, form),
    error: jsonError,
  };
}

const frameKey = ({ kind: { apiVersion } }: Resource, form: Exclude<Form, { shape: 'table' }>, encoding: string) =>
  `${encoding} ${form.shape === 'object' ? apiVersion : form.version} ${form.shape}`;

function protobufPrinter(resource: Resource, form: Exclude<Form, { shape: 'table' }>): EventPrinter {
  const print = (stored: KubeObject) => (form.shape === 'object' ? printProtobuf(resource, stored) : printPartialProtobuf(stored, form.version));
  const about = frameKey(resource, form, 'protobuf');
  return {
    contentType: 'application/vnd.kubernetes.protobuf;stream=watch',
    key: about,
    change: (type, object) => recentFrame(object, `${type} ${about}`, () => encodeWatchFrame(type, print(object))),
    bookmark(revision, endsInitialEvents) {
      // Of every object the metadata are field 1.
      const metadata = encodePartial({ resourceVersion: String(revision), ...(endsInitialEvents && initialEnd) });
      return encodeWatchFrame('BOOKMARK', wrapProtobuf(namesOf(resource, form), [metadata]));
    },
    error: (status) => encodeWatchFrame('ERROR', encodeProtobuf(status)!),
  };
}

/** Columns come with the first event only, so every watcher has lines of its own. */
function tablePrinter({ request, resource, wanted, now }: PrinterOptions, version: string): EventPrinter {
  let first = true;
  return {
    contentType: 'application/json',
    change(type, stored) {
      const metadata = { resourceVersion: stored.metadata.resourceVersion ?? '' };
      const withColumns = first;
      first = false;
      return line(type, printTable(resource, [stored], { ...tableWish(request, version, now()), metadata, withColumns }));
    },
    bookmark: jsonBookmark(resource, wanted.form),
    error: jsonError,
  };
}
