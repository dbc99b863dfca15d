// Which Ingresses are ours: those whose class names one of our controllers, oldest first.
// Ingresses of other controllers are passed over in silence; those that nobody can serve are a Problem.
import type { Ingress, IngressClass } from '../../kube/objects/networking.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Problem } from '../network-model.ts';

const legacyAnnotation = 'kubernetes.io/ingress.class';

export const ingressRef = (ingress: Ingress): Ref => ({ kind: 'Ingress', namespace: ingress.metadata.namespace, name: ingress.metadata.name });

/** The order in which Ingresses claim hosts and paths: age, then namespace and name, so that restarts change nothing (ING-49). */
export function servedIngresses(
  ingresses: readonly Ingress[],
  classes: readonly IngressClass[],
  controllers: readonly string[],
  problems: Problem[],
): Ingress[] {
  const controllerOf = new Map(classes.map((each) => [each.metadata.name, each.spec?.controller]));
  const served = ingresses.filter((ingress) => {
    const name = ingress.metadata.annotations?.[legacyAnnotation] ?? ingress.spec.ingressClassName;
    if (name !== undefined && controllers.includes(controllerOf.get(name) ?? name)) return true;
    if (name === undefined || !controllerOf.has(name)) problems.push(noClass(ingress, name));
    return false;
  });
  return served.toSorted((a, b) => compareText(ageKey(a), ageKey(b)));
}

const noClass = (ingress: Ingress, name: string | undefined): Problem => ({
  about: ingressRef(ingress),
  reason: 'NoIngressClass',
  message: `ingress does not contain a valid IngressClass: ${name === undefined ? 'it names none' : `there is no IngressClass "${name}"`}`,
});

const ageKey = ({ metadata }: Ingress): string => `${metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''}/${metadata.name}`;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
