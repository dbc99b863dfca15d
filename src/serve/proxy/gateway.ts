// The ingress gateway as one part: watches the store, compiles its listeners, keeps the proxy equal to them.
// Runs alone against any store; an API outage leaves the last routes working (ICT-16).
import type { Clock } from '../../base/run/clock.ts';
import { Loop } from '../../base/run/loop.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { ingressClassKind } from '../../kube/kinds/ingress-class.ts';
import { ingressKind } from '../../kube/kinds/ingress.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { secretKind } from '../../kube/kinds/secret.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import { wakeOnChange } from '../../kube/store/wake-on-change.ts';
import type { Problem, Scope } from '../../model/network-model.ts';
import { compileListeners } from '../../model/routes/compile-listeners.ts';
import { createProxy, type ProxyOptions, type ProxyServer } from './proxy.ts';

/** The controller name that IngressClasses of this gateway carry. */
export const ingressController = 'fairlead.dev/ingress';

export const gatewayKinds: readonly Kind[] = [ingressKind, ingressClassKind, serviceKind, endpointSliceKind, secretKind] as Kind<never>[] as Kind[];

export interface GatewayOptions extends ProxyOptions {
  readonly store: ObjectStore;
  readonly scope: Scope;
  readonly clock: Clock;
  /** Called when what is wrong with Ingresses changes. */
  readonly onProblems?: (problems: readonly Problem[]) => void;
}

export const createGateway = (options: GatewayOptions): Gateway => new Gateway(options);

export class Gateway {
  readonly proxy: ProxyServer;
  readonly #options: GatewayOptions;
  readonly #loop: Loop;
  readonly #unwatch: () => void;
  #problems: readonly Problem[] = [];

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.proxy = createProxy(options);
    this.#loop = new Loop({
      clock: options.clock,
      turn: () => this.#turn(),
      onFailure: (error, failures) => options.log.warn({ error: String(error), failures }, 'listeners cannot be applied'),
    });
    this.#unwatch = wakeOnChange(options.store, gatewayKinds, this.#loop, options.clock);
  }

  /** Resolves once the proxy serves this revision. */
  settled(revision: number): Promise<void> {
    return this.#loop.settled(revision);
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.#loop.close();
    await this.proxy.close();
  }

  async #turn(): Promise<{ revision: number }> {
    const seen = this.#options.store.snapshot();
    const { listeners, problems } = compileListeners(seen, this.#options.scope);
    await this.proxy.apply(listeners);
    if (problems !== this.#problems) this.#options.onProblems?.((this.#problems = problems));
    return { revision: seen.revision };
  }
}
