// What a part says while its API server cannot be read: why, once, and what would help; and when it is over.
import type { Log } from '../../base/run/log.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';

const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** A connection to a name with several addresses fails with all of their errors, and no words of its own. */
const systemWords = (error: Error & { errors?: readonly Error[] }): string => error.message || (error.errors?.[0]?.message ?? String(error));

/** The rule that the account's role lacks, as it is written in a manifest. */
function missingRule({ apiVersion, plural }: Pick<Kind, 'apiVersion' | 'plural'>): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  return `{ apiGroups: [${JSON.stringify(group)}], resources: [${plural}], verbs: [list, watch] }`;
}

/** One sentence without a full stop. */
export function printTrouble(server: string, kind: Pick<Kind, 'apiVersion' | 'plural'>, error: unknown): string {
  if (error instanceof ApiError) {
    if (error.code === 401) return `${server} does not know who we are (401): it refuses the token or client certificate of the kubeconfig`;
    if (error.code === 403) return `our account may not read ${kind.plural} (403): its role lacks the rule ${missingRule(kind)}`;
    if (error.code === 404) return `${server} serves no ${kind.plural} of ${kind.apiVersion} (404)`;
    return `${server} refuses to show ${kind.plural}: ${error.message} (${error.code})`;
  }
  const failed = error as NodeJS.ErrnoException;
  const words = systemWords(failed);
  if (untrusted.test(failed.code ?? '')) return `${server} cannot be trusted: ${words}; see certificate-authority and tls-server-name in the kubeconfig`;
  return `${server} cannot be reached: ${words}`;
}

export interface ApiTroubles {
  failed(kind: Kind, error: unknown): void;
  /** The kind has been listed in full. */
  read(kind: Kind): void;
  /** By kind; empty while all is well. */
  now(): ReadonlyMap<string, string>;
}

export function createApiTroubles(server: string, log: Pick<Log, 'warn'>): ApiTroubles {
  const troubles = new Map<string, string>();
  return {
    failed(kind, error) {
      const text = printTrouble(server, kind, error);
      // All kinds fail together when a server goes: that is one thing to say.
      if (![...troubles.values()].includes(text)) log.warn(`${text}; it is asked again every second, and what was known last stays in force`);
      troubles.set(kind.plural, text);
    },
    read(kind) {
      if (troubles.delete(kind.plural) && troubles.size === 0) log.warn(`${server} is read again`);
    },
    now: () => troubles,
  };
}
