// Watch events as lines of JSON, in the form the watcher asked for.
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';
import type { ApiRequest } from '../request.ts';
import { tableWish } from './answers.ts';
import type { Form } from './negotiate.ts';
import { printObject, printPartial } from './print.ts';
import { printTable } from './table.ts';

export interface EventPrinter {
  change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): string;
  /** Only a version: what lies before it has been sent. */
  bookmark(revision: number, endsInitialEvents: boolean): string;
  error(status: object): string;
}

const line = (type: string, object: string) => `{"type":"${type}","object":${object}}\n`;

const initialEnd = { annotations: { 'k8s.io/initial-events-end': 'true' } };

interface PrinterOptions {
  request: ApiRequest;
  resource: Resource;
  form: Form;
  now: () => Date;
}

export function createEventPrinter({ request, resource, form, now }: PrinterOptions): EventPrinter {
  let first = true;
  const print = (stored: KubeObject): string => {
    if (form.shape === 'object') return printObject(resource, stored);
    if (form.shape === 'partial') return printPartial(stored, form.version);
    const metadata = { resourceVersion: stored.metadata.resourceVersion ?? '' };
    const withColumns = first;
    first = false;
    return printTable(resource, [stored], { ...tableWish(request, form.version, now()), metadata, withColumns });
  };
  const { kind, apiVersion } = resource.kind;
  return {
    change: (type, object) => line(type, print(object)),
    bookmark(revision, endsInitialEvents) {
      const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(endsInitialEvents && initialEnd) };
      const names = form.shape === 'partial' ? { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}` } : { kind, apiVersion };
      return line('BOOKMARK', JSON.stringify({ ...names, metadata }));
    },
    error: (status) => line('ERROR', JSON.stringify(status)),
  };
}
