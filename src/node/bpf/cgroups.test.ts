import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unifiedMount } from './cgroups.ts';

const rows: [says: string, mountinfo: string, mount: string | undefined][] = [
  ['beside version 1', '30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n31 25 0:27 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n', '/sys/fs/cgroup/unified'],
  ['alone', '31 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n', '/sys/fs/cgroup'],
  ['not at all', '30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n', undefined],
];

for (const [says, mountinfo, mount] of rows) test(`the unified hierarchy is found where it is mounted ${says}`, () => assert.equal(unifiedMount(mountinfo), mount));
