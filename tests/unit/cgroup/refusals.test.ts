import { expect, test } from 'vitest';
import type { CgroupHost } from '../../../src/cgroup/hierarchy.ts';
import { compileLimits } from '../../../src/cgroup/limits.ts';
import { refuseMissing, refuseUnsupported } from '../../../src/cgroup/refusals.ts';
import type { Resources } from '../../../src/spec/resources.ts';
import { hybrid, hybridForV2, nested, session, systemdRoot, userScope, without } from './hosts.ts';

const refusal = (host: CgroupHost, resources: Resources): string => {
  try {
    refuseMissing(host, compileLimits(resources));
    return 'granted';
  } catch (error) {
    return (error as Error).message;
  }
};

const memory: Resources = { memory: { limit: 64 * 1024 * 1024 } };

test('controllers of v1 are named with their mounts, all at once', () => {
  expect(refusal(hybridForV2(), { ...memory, pids: { limit: 9 }, blockIO: { weight: 100 } })).toMatchInlineSnapshot(
    `"cannot limit memory (memory.max), io (io.weight), pids (pids.max): the memory controller is mounted as cgroup v1 at /sys/fs/cgroup/memory; the io controller is mounted as cgroup v1 at /sys/fs/cgroup/blkio; the pids controller is mounted as cgroup v1 at /sys/fs/cgroup/pids (hint: boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all where there is no systemd; without these limits the container runs)"`,
  );
});

test('what the host grants is granted', () => {
  expect(refusal(systemdRoot(), { ...memory, pids: { limit: 9 }, blockIO: { weight: 100 } })).toBe('granted');
  expect(refusal(userScope(), memory)).toBe('granted');
  expect(refusal(hybrid(), { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] })).toBe('granted');
  expect(refusal(hybrid(), { unified: { 'cgroup.max.depth': '1' } })).toBe('granted');
});

test('a controller the kernel lacks, one that is not delegated, one that nobody may pass on, and no cgroup v2', () => {
  expect(refusal(systemdRoot(), { unified: { 'mmory.high': '1' } })).toMatchInlineSnapshot(
    `"cannot limit mmory (mmory.high): this kernel's cgroup v2 at /sys/fs/cgroup has no mmory controller (hint: see cgroup.controllers there; some kernels need cgroup_enable=mmory at boot; without these limits the container runs)"`,
  );
  expect(refusal(userScope(), { cpu: { cpus: '0' } })).toMatchInlineSnapshot(
    `"cannot limit cpuset (cpuset.cpus): /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice is not given the cpuset controller (hint: delegate it: Delegate=cpuset in the unit that /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice belongs to; without these limits the container runs)"`,
  );
  expect(refusal(session(), memory)).toMatchInlineSnapshot(
    `"cannot limit memory (memory.max): no cgroup under /sys/fs/cgroup is ours to divide (hint: run as root, or under systemd-run --user --scope -p Delegate=yes; without these limits the container runs)"`,
  );
  expect(refusal(nested(), memory)).toMatchInlineSnapshot(
    `"cannot limit memory (memory.max): processes live in /sys/fs/cgroup itself, so it cannot pass the memory controller on (hint: make a group such as /sys/fs/cgroup/init and move them there; without these limits the container runs)"`,
  );
  expect(refusal(without(), memory)).toMatchInlineSnapshot(
    `"cannot limit memory (memory.max): cgroup v2 is not mounted (hint: mount -t cgroup2 cgroup2 /sys/fs/cgroup; without these limits the container runs)"`,
  );
});

test('what only v1 can do is refused by its name in the spec, all of it at once', () => {
  expect(() =>
    refuseUnsupported({
      memory: { swappiness: 10, disableOOMKiller: true, kernel: 5, swap: 100 },
      cpu: { realtimeRuntime: 950000, quota: 1000, burst: 2000 },
      network: { classID: 1 },
      blockIO: { leafWeight: 10 },
      unified: { '../memory.max': '1', 'cgroup.procs': '1', memory: '1' },
    }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TareError: cannot limit resources: memory.kernel exists in cgroup v1 only, and ended with Linux 5.15; memory.swappiness exists in cgroup v1 only; memory.disableOOMKiller exists in cgroup v1 only; cpu.realtimeRuntime exists in cgroup v1 only; blockIO.leafWeight exists in cgroup v1 only, and ended with Linux 4.20; network.classID exists in cgroup v1 only; memory.swap counts memory too, so it needs memory.limit; cpu.burst (2000 µs) is more than cpu.quota (1000 µs); unified "../memory.max" is not a file such as memory.high; unified cgroup.procs is tare's own to write; unified "memory" is not a file such as memory.high (hint: linux.resources.unified takes cgroup v2 files by their own names, such as memory.high)]`,
  );
});

test('settings that ask for what v2 does anyway are fine', () => {
  refuseUnsupported({
    memory: { disableOOMKiller: false, useHierarchy: true, kernel: -1, limit: 9, swap: 9 },
    network: {},
  });
});

test('less memory plus swap than memory is a contradiction', () => {
  expect(() => refuseUnsupported({ memory: { limit: 200, swap: 100 } })).toThrow(/memory\.swap \(100 bytes\)/);
});

test('what v1 holds it can do too; what has left the kernel nobody can', () => {
  refuseUnsupported({ memory: { swappiness: 10, disableOOMKiller: true } }, hybrid().v1Grantable);
  expect(() => refuseUnsupported({ memory: { kernel: 5 }, network: { classID: 1 } }, hybrid().v1Grantable)).toThrow(
    'memory.kernel exists in cgroup v1 only, and ended with Linux 5.15; network.classID exists in cgroup v1 only',
  );
});
