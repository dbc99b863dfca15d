// What the DNS server counts, in Prometheus' form. Apart from the server, because the library takes longer to load than it.
import { Counter, type Registry } from 'prom-client';

/** RFC 1035 section 4.1.1. */
const codes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;

/** For each answer as it is sent; undefined: none was. */
export function dnsMetrics(registry: Registry): (answer: Buffer | undefined) => void {
  const answers = new Counter({ name: 'fairlead_dns_answers_total', help: 'Questions, by the code of their answer; none: the question was no DNS message.', labelNames: ['rcode'], registers: [registry] });
  return (answer) => answers.inc({ rcode: answer === undefined ? 'none' : (codes[answer[3]! & 0xf] ?? 'other') });
}
