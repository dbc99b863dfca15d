// References to objects as people read them: in kernel comments, traces, problems and logs.
import type { Ref } from '../objects/meta.ts';

/** The one way a Ref is printed: `Service default/web`, `Node node1`. */
export const printRef = (ref: Ref): string => `${ref.kind} ${ref.namespace ? `${ref.namespace}/` : ''}${ref.name}`;
