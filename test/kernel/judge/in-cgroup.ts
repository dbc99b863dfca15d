// A moment in another control group. A socket belongs for life to the group that its maker was in, whoever uses it later:
// so this process can speak as one of a node's. Serves the judge and the tests of connect-time balancing.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { membersFile, unifiedMount } from '../../../src/node/bpf/cgroups.ts';

function ownCgroup(): string {
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  return join(unifiedMount(readFileSync('/proc/self/mountinfo', 'utf8')) ?? '', path);
}

/** The body must be synchronous. */
export function inCgroup<T>(cgroup: string, body: () => T): T {
  const home = ownCgroup();
  writeFileSync(membersFile(cgroup), '0');
  try {
    return body();
  } finally {
    writeFileSync(membersFile(home), '0');
  }
}
