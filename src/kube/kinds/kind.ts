// A Kind is all that the API server and the store know about one sort of object.
// Adding a kind = one file in this folder + one line in kinds.ts.
// Every function here is pure: object in, object (or errors) out; the input is never changed.
import type { KubeObject } from '../objects/meta.ts';
import type { Snapshot } from '../store/store.ts';
import type { FieldError } from '../meaning/field-error.ts';
import type { Message } from '../schema/schema.ts';

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

/** What a custom kind brings along because no table of ours knows its fields. */
export interface OwnFields {
  readonly message: Message;
  /** The object without fields its schema does not name, and the paths of those. */
  prune(object: KubeObject): { value: KubeObject; unknown: string[] };
  /** Its schema for OpenAPI documents, without references to other schemas but ObjectMeta. */
  openApi(): Readonly<Record<string, unknown>>;
}

/** Where a custom object keeps what its scale subresource shows, as JSON paths. */
export interface ScaleFields {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

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
  /** So does a change of labels. */
  readonly countsLabels?: boolean;
  /** Status given at creation is kept (nodes register with theirs); other kinds with the subresource lose it. */
  readonly keepsStatusOnCreate?: boolean;
  /** DELETE answers the object instead of a Status. */
  readonly answersDeletedObject?: boolean;
  /** PUT on a missing name creates it. */
  readonly createsOnUpdate?: boolean;
  /** PUT without resourceVersion is refused. */
  readonly needsVersionToUpdate?: boolean;
  /** The name of one, and of a list of them, where they are not what the kind's name gives. */
  readonly singular?: string;
  readonly listKind?: string;
  /** Put on an object when it is deleted: somebody has work to do before it may go. */
  readonly finalizerOnDelete?: string;
  /** Of several versions of a kind, objects are kept under this apiVersion; absent: under their own. */
  readonly keptAs?: string;
  /** Further versions under which the same fields are served. */
  readonly alsoServedAs?: readonly { readonly apiVersion: string; readonly deprecation?: string }[];
  readonly ownFields?: OwnFields;
  readonly scale?: ScaleFields;
  /** The definition of the kind is going: no new objects. */
  readonly isEnding?: boolean;
  /** Said with every answer about a deprecated version. */
  readonly deprecation?: string;
  readonly columns: readonly Column<T>[];
  /** Field selectors besides metadata.name and metadata.namespace: label → value ('' when absent). */
  readonly fieldSelectors?: Readonly<Record<string, FieldReader<T>>>;
  setDefaults?(object: T): T;
  /** Carries over what a client may leave out on update (cluster IPs, node ports) and drops what a type change ends. */
  prepareUpdate?(object: T, old: T): T;
  /**
   * Fills fields that must be unique in the cluster; free = not taken in the snapshot. Throws ApiError when refused.
   * A dry run shows that something would be handed out, not what.
   */
  allocate?(object: T, old: T | undefined, seen: Snapshot, isDryRun?: boolean): T;
  validate?(object: T, old?: T): FieldError[];
  /** Texts for `Warning:` headers; never refuse. */
  warnings?(object: T, old?: T): string[];
}
