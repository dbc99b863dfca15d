// Asks the cluster's DNS from inside a pod, with the dig that every Debian machine can have.
import type { RunningCluster } from './running-cluster.ts';

export interface DigAnswer {
  /** NOERROR, NXDOMAIN, SERVFAIL … */
  code: string;
  /** Data of the answers of the asked type, as dig prints it: `10.96.0.10`, `0 100 80 web.default.svc.cluster.local.` */
  records: string[];
}

/** `pod` may begin with `-n namespace`. */
export async function dig(cluster: RunningCluster, pod: string, name: string, type = 'A'): Promise<DigAnswer> {
  const text = await cluster.ok(`exec ${pod} -- dig +noall +comments +answer +time=2 +tries=2 ${name} ${type}`);
  const lines = text.split('\n').map((line) => line.split(/\s+/));
  const records = lines.filter((fields) => !fields[0]!.startsWith(';') && fields[3] === type).map((fields) => fields.slice(4).join(' '));
  return { code: /status: (\w+)/.exec(text)?.[1] ?? 'no answer', records };
}
