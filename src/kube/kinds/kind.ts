// A Kind is all that the API server and the store know about one sort of object.
// Adding a kind = one file in this folder + one line in kinds.ts.
// Every function here is pure: object in, object (or errors) out; the input is never changed.
import type { KubeObject } from '../objects/meta.ts';
import type { Snapshot } from '../store/store.ts';
import type { FieldError } from '../meaning/field-error.ts';

/** One column of `kubectl get`; `wide` columns show only with `-o wide`. */
export interface Column<T extends KubeObject = KubeObject> {
  name: string;
  type?: 'string' | 'integer' | 'boolean' | 'date';
  format?: 'name';
  description?: string;
  wide?: boolean;
  cell(object: T, now: Date): string | number | boolean | null;
}

export type Subresource = 'status' | 'scale';

/** A method's type, so that a Kind<Pod> serves where any Kind is meant. */
export type FieldReader<T extends KubeObject> = { read(object: T): string }['read'];

export interface Kind<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly subresources?: readonly Subresource[];
  /** metadata.generation counts changes outside metadata and status. */
  readonly countsGenerations?: boolean;
  /** Status given at creation is kept (nodes register with theirs); other kinds with the subresource lose it. */
  readonly keepsStatusOnCreate?: boolean;
  /** DELETE answers the object instead of a Status. */
  readonly answersDeletedObject?: boolean;
  /** PUT on a missing name creates it. */
  readonly createsOnUpdate?: boolean;
  /** PUT without resourceVersion is refused. */
  readonly needsVersionToUpdate?: boolean;
  readonly columns: readonly Column<T>[];
  /** Field selectors besides metadata.name and metadata.namespace: label → value ('' when absent). */
  readonly fieldSelectors?: Readonly<Record<string, FieldReader<T>>>;
  setDefaults?(object: T): T;
  /** Carries over what a client may leave out on update (cluster IPs, node ports) and drops what a type change ends. */
  prepareUpdate?(object: T, old: T): T;
  /** Fills fields that must be unique in the cluster; free = not taken in the snapshot. Throws ApiError when refused. */
  allocate?(object: T, old: T | undefined, seen: Snapshot): T;
  validate?(object: T, old?: T): FieldError[];
  /** Texts for `Warning:` headers; never refuse. */
  warnings?(object: T, old?: T): string[];
}
