// What `fairlead server` is told by its flags: an API server alone, or one of several on one etcd. Plain data.

export interface EtcdAccess {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** Files, PEM. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly compactEveryMs: number;
}

export interface ServerDescription {
  /** Where objects are kept without etcd. */
  readonly state: string;
  /** Absent: SQLite. */
  readonly etcd?: EtcdAccess;
  readonly address: string;
  readonly port: number;
  /** Where others reach this server; chosen among the machine's addresses when absent. */
  readonly advertiseAddress?: string;
  /** Certificates and keys that no flag names are found or made here. */
  readonly certFolder: string;
  readonly servingFiles?: { readonly cert: string; readonly key: string };
  readonly clientCaFile?: string;
  readonly serviceAccounts: {
    /** The first one signs. */
    readonly issuers: readonly string[];
    readonly keyFiles: readonly string[];
    readonly signingKeyFile?: string;
  };
  readonly authorizationModes: readonly string[];
  readonly anonymous: boolean;
  /** Lines of token,user,uid,"group,group". */
  readonly tokenFile?: string;
  readonly serviceCIDRs: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** Absent: nothing is audited. */
  readonly auditLogPath?: string;
  readonly disabledAdmission: readonly string[];
  /** `*` means all, `-name` all but that; absent: none. */
  readonly controllers?: readonly string[];
}
