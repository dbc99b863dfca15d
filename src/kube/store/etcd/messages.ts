// etcd's messages as etcd.proto declares them, for TypeScript. Numbers are exact below 2^53, which no revision reaches.

export interface KeyValue {
  key: Buffer;
  value: Buffer;
  mod_revision: number;
  /** How often the key was put since it was made. */
  version: number;
}

export interface RangeRequest {
  key: string | Buffer;
  range_end?: string | Buffer;
  limit?: number;
  /** 0: the newest. */
  revision?: number;
  keys_only?: boolean;
  count_only?: boolean;
}

interface Header {
  revision: number;
}

export interface RangeResponse {
  header: Header;
  kvs: KeyValue[];
  more: boolean;
  count: number;
}

export type Compare =
  | { target: 'MOD'; key: Buffer; mod_revision: number }
  | { target: 'VERSION'; key: Buffer; version: number };

export type RequestOp =
  | { request_put: { key: Buffer; value: Buffer } }
  | { request_delete_range: { key: Buffer } }
  | { request_range: RangeRequest };

export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure?: RequestOp[];
}

export interface TxnResponse {
  header: Header;
  succeeded: boolean;
  responses: { response_range?: RangeResponse }[];
}

export interface CompactionRequest {
  revision: number;
}

export interface WatchRequest {
  create_request: { key: Buffer; range_end: Buffer; start_revision: number };
}

export interface EtcdEvent {
  type: 'PUT' | 'DELETE';
  kv: KeyValue;
}

export interface WatchResponse {
  header: Header;
  created: boolean;
  canceled: boolean;
  /** Not 0: what was asked for is compacted up to here. */
  compact_revision: number;
  cancel_reason: string;
  events: EtcdEvent[];
}
