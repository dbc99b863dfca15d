// The store of a part that runs by itself: a mirror of the API server that a kubeconfig names.
import { realClock, sleep } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { type ApiClient, createApiClient } from '../../kube/client/api-client.ts';
import { KubeconfigError, readKubeconfig } from '../../kube/client/kubeconfig.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { serviceCidrKind } from '../../kube/kinds/service-cidr.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import type { ServiceCIDR } from '../../kube/objects/networking.ts';
import { createMirror, listAll, type Mirror } from '../../kube/store/mirror.ts';
import { CommandError } from '../../ui/cli/command-error.ts';
import { createApiTroubles } from './api-troubles.ts';

export interface OpenMirror {
  readonly store: Mirror;
  readonly server: string;
  /** Why some kinds cannot be read just now, by kind; what was known of them stays. */
  troubles(): ReadonlyMap<string, string>;
  /** What the cluster says of its Service ranges; none where it does not tell (before Kubernetes 1.33, or not to us). */
  serviceRanges(): Promise<readonly string[]>;
  close(): void;
}

const log = logFor('mirror');

/** Half to three halves of a second: a thousand nodes do not come back in one instant. */
const pauseMs = () => 500 + 1000 * Math.random();

/** Events are written, never read. Throws CommandError for a kubeconfig that cannot be used. */
export function openMirror(kubeconfig: string, kinds: readonly Kind[]): OpenMirror {
  const access = readAccess(kubeconfig);
  const client = createApiClient(access);
  const troubles = createApiTroubles(access.server, log);
  const store = createMirror({
    client,
    kinds,
    alsoWrites: [eventKind as Kind],
    pause: (stop) => sleep(realClock, pauseMs(), stop),
    onFailure: troubles.failed,
    onListed: troubles.read,
  });
  return {
    store,
    server: access.server,
    troubles: troubles.now,
    serviceRanges: () => readServiceRanges(client),
    close() {
      store.close();
      client.close();
    },
  };
}

/** What a part opens beside its mirror; when that cannot be had, nothing may keep the process from ending. */
export async function orClose<T>(mirror: Pick<OpenMirror, 'close'>, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    mirror.close();
    throw error;
  }
}

async function readServiceRanges(client: ApiClient): Promise<readonly string[]> {
  for (;;) {
    try {
      const { items } = await listAll(client, serviceCidrKind as unknown as Kind);
      return (items as ServiceCIDR[]).flatMap(({ spec }) => spec?.cidrs ?? []);
    } catch (error) {
      if (error instanceof ApiError && (error.code === 404 || error.code === 403)) return [];
      // The server went away just now: it must be asked again, as a wrong answer would last.
      await sleep(realClock, pauseMs());
    }
  }
}

function readAccess(kubeconfig: string) {
  try {
    return readKubeconfig(kubeconfig);
  } catch (error) {
    if (error instanceof KubeconfigError) throw new CommandError(error.message, 2);
    throw error;
  }
}
