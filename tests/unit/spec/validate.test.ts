import { expect, test } from 'vitest';
import { specOf } from '../../../src/spec/defaults.ts';
import { SpecError } from '../../../src/spec/problem.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { checks, checkSpec, validate } from '../../../src/spec/validate.ts';
import { busybox, host, told } from './examples.ts';

/** The least that is a spec. */
const least: Spec = {
  ociVersion: '1.0.0',
  root: { path: 'rootfs' },
  process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/' },
  linux: { namespaces: [{ type: 'mount' }] },
};

/** The least, with some of it replaced. */
const problemsOf = (fault: object): string => told(validate({ ...least, ...fault }));
const inProcess = (fault: object) => ({ process: { ...least.process, ...fault } });
const inLinux = (fault: object, ...kinds: string[]) => ({
  linux: { namespaces: ['mount', ...kinds].map((type) => ({ type })), ...fault },
});
const inMount = (...mounts: object[]) => ({ mounts: mounts.map((mount) => ({ destination: '/x', ...mount })) });
const map = { containerID: 0, hostID: 1000, size: 10 };

test('a spec with five faults is told all five, each with its place', () => {
  const faulty = {
    ociVersion: '2.0.0',
    root: {},
    process: { user: { uid: -1, gid: 0 }, args: [], cwd: 'tmp' },
    linux: { namespaces: [{ type: 'mount' }] },
  };
  expect(told(validate(faulty))).toMatchInlineSnapshot(`
    "/root/path: must be given
    /process/user/uid: must be a whole number from 0 to 4294967295, not -1
    /process/cwd: must be an absolute path, not 'tmp'
    /ociVersion: must be 1.x, not 2.0.0: write the spec anew for 1.3.0
    /process/args: must hold at least one word"
  `);
  expect(() => checkSpec(faulty)).toThrow(SpecError);
  expect(() => checkSpec(faulty)).toThrowErrorMatchingInlineSnapshot(`
    [TareError: check the spec: 5 problems
      /root/path: must be given
      /process/user/uid: must be a whole number from 0 to 4294967295, not -1
      /process/cwd: must be an absolute path, not 'tmp'
      /ociVersion: must be 1.x, not 2.0.0: write the spec anew for 1.3.0
      /process/args: must hold at least one word]
  `);
});

test('the least is enough, and the default spec is a good one', () => {
  expect(validate(least)).toEqual([]);
  expect(validate(specOf({ image: 'busybox' }, busybox, host))).toEqual([]);
});

test.each([1, null, 'spec', [], {}])('%j is no spec', (value) => {
  expect(validate(value)).not.toEqual([]);
});

test.each(['1.0.0', '1.0.2-dev', '1.0.0-rc5', '1.1.0+dev', '1.3.0', '1.99.0'])(
  'version %s is understood',
  (version) => {
    expect(problemsOf({ ociVersion: version })).toBe('');
  },
);

test('other versions are refused with the cure', () => {
  expect(problemsOf({ ociVersion: '0.5.0' })).toMatchInlineSnapshot(
    `"/ociVersion: must be 1.x, not 0.5.0: write the spec anew for 1.3.0"`,
  );
  expect(problemsOf({ ociVersion: 'one' })).toMatchInlineSnapshot(
    `"/ociVersion: must be a version such as 1.3.0, not 'one'"`,
  );
});

test('properties that the spec does not know are ignored and left out, as it asks', () => {
  const more = { ...least, future: { a: 1 }, root: { ...least.root, color: 'red' } };
  expect(checkSpec(more)).toEqual(least);
});

test('containers of other systems are refused by name', () => {
  const windows = { user: { uid: 0, gid: 0, username: 'me' }, commandLine: 'cmd' };
  const fault = { windows: {}, solaris: {}, vm: {}, zos: {}, freebsd: {}, ...inProcess(windows) };
  expect(problemsOf(fault)).toMatchInlineSnapshot(`
    "/solaris: describes a container of solaris: tare makes those of linux
    /windows: describes a container of windows: tare makes those of linux
    /vm: describes a container of a virtual machine: tare makes those of linux
    /zos: describes a container of z/OS: tare makes those of linux
    /freebsd: describes a container of freebsd: tare makes those of linux
    /process/commandLine: belongs to windows: on linux give args
    /process/user/username: belongs to windows: on linux give uid and gid"
  `);
});

test('wrong types are told with what they are', () => {
  const fault = {
    hostname: 5,
    annotations: { a: 1, '': 'x' },
    mounts: {},
    ...inProcess({ terminal: 'yes', env: ['A', 'B=1', 'C=\0'], rlimits: [{ type: 'RLIMIT_NOFILES', soft: 1.5 }] }),
    hooks: { poststart: [{ path: 'x', timeout: 0 }] },
  };
  expect(problemsOf(fault)).toMatchInlineSnapshot(`
    "/mounts: must be a list, not an object
    /process/terminal: must be true or false, not a string
    /process/env/0: must be NAME=value, not 'A'
    /process/env/2: must not hold a NUL
    /process/rlimits/0/type: must be a limit of getrlimit(2), not 'RLIMIT_NOFILES' (did you mean RLIMIT_NOFILE?)
    /process/rlimits/0/soft: must be a whole number from 0 to 2^64 - 1, not 1.5
    /process/rlimits/0/hard: must be given
    /hostname: must be a string, not a number
    /hooks/poststart/0/path: must be an absolute path, not 'x'
    /hooks/poststart/0/timeout: must be a whole number from 1 to 2147483647, not 0
    /annotations/a: must be a string, not a number
    /annotations/: must have a name"
  `);
});

test('a misspelt capability is told with the nearest', () => {
  expect(problemsOf(inProcess({ capabilities: { bounding: ['CAP_SYS_ADMN', 'net_raw', 7] } }))).toMatchInlineSnapshot(`
    "/process/capabilities/bounding/0: must be a capability of capabilities(7), not 'CAP_SYS_ADMN' (did you mean CAP_SYS_ADMIN?)
    /process/capabilities/bounding/1: must be a capability of capabilities(7), not 'net_raw'
    /process/capabilities/bounding/2: must be a capability of capabilities(7), not 7"
  `);
});

/** For each check, by its name, a spec that breaks it and nothing else. */
const faults: Record<string, object[]> = {
  ociVersion: [{ ociVersion: '3.0.0' }],
  mounts: [
    inMount({ type: 'bind' }, { options: [] }, { type: 'none', options: ['ro'] }),
    inMount(
      { type: 'bind', source: '/a', options: ['noexce', 'size=5'] },
      { type: 'bind', source: '/a', options: ['bind', 'rbind', 'tmpcopyup'] },
      { type: 'tmpfs', options: ['idmap', 'ridmap'] },
      { type: 'bind', source: '/a', options: ['idmap'], uidMappings: [map] },
    ),
    inMount({ type: 'bind', source: '/a', uidMappings: [map, map], gidMappings: [{ ...map, size: 2 ** 32 - 1 }] }),
  ],
  process: [
    inProcess({ args: [''] }),
    inProcess({ capabilities: { effective: ['CAP_KILL'], permitted: ['CAP_CHOWN'] } }),
    inProcess({ capabilities: { ambient: ['CAP_KILL'], permitted: ['CAP_KILL'] } }),
    inProcess({
      rlimits: [
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 1 },
      ],
    }),
    inProcess({ rlimits: [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }] }),
    inProcess({ scheduler: { policy: 'SCHED_FIFO' } }),
    inProcess({ scheduler: { policy: 'SCHED_BATCH', priority: 3, runtime: 5 } }),
    inProcess({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 5, deadline: 4 } }),
    { hooks: { poststop: [{ path: '/bin/true', args: [] }] } },
  ],
  namespaces: [
    inLinux({}, 'pid', 'pid'),
    { linux: {} },
    { hostname: 'box', ...inLinux({}) },
    { domainname: 'x'.repeat(65), ...inLinux({}, 'uts') },
    inLinux({ timeOffsets: { monotonic: { secs: 1 } } }),
    inLinux({
      namespaces: [{ type: 'mount' }, { type: 'time', path: '/proc/1/ns/time' }],
      timeOffsets: { boottime: { nanosecs: 5 } },
    }),
    inLinux(
      {
        sysctl: {
          'net/ipv4/ip_forward': '1',
          'kernel.sem': '1',
          'vm.swappiness': '1',
          'net..x': '1',
          'kernel.hostname': 'x',
        },
      },
      'ipc',
    ),
    inLinux({ netDevices: { eth0: {}, 'a/b': {}, eth1: { name: 'eth0' }, eth2: { name: 'x y' } } }),
    inLinux(
      { netDevices: { a: { name: 'eth%d' }, b: { name: 'eth%d' }, c: { name: 'x%s' }, d: { name: '%d%d' } } },
      'network',
    ),
  ],
  idMaps: [
    inLinux({ uidMappings: [map], gidMappings: [map, { ...map, containerID: 20 }] }, 'user'),
    inLinux({ uidMappings: [map] }, 'user'),
    inLinux({ gidMappings: [map] }),
    inLinux({ namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/1/ns/user' }], uidMappings: [map] }),
    {
      ...inProcess({ user: { uid: 10, gid: 9, additionalGids: [9, 11] } }),
      ...inLinux({ uidMappings: [map], gidMappings: [map] }, 'user'),
    },
  ],
  devices: [
    inLinux({
      devices: [
        { type: 'c', path: '/dev/a', major: 1 },
        { type: 'p', path: '/dev/a' },
      ],
    }),
    inLinux({ devices: [{ type: 'b', path: 'a', major: 4096, minor: 0, fileMode: 0o1000 }] }),
  ],
  resources: [
    inLinux({ resources: { memory: { limit: 100, swap: 50 } } }),
    inLinux({ resources: { memory: { swap: 50 } } }),
    inLinux({ resources: { cpu: { shares: 1, quota: 500, period: 10, burst: 501 } } }),
    inLinux({ resources: { blockIO: { weight: 5, weightDevice: [{ major: 8, minor: 0 }] } } }),
    inLinux({
      resources: {
        hugepageLimits: [
          { pageSize: '2MB', limit: 1 },
          { pageSize: '2MB', limit: 2 },
        ],
      },
    }),
    inLinux({ resources: { rdma: { mlx5_1: {} } } }),
    inLinux({ resources: { unified: { 'memory.high': '1', '../x': '1', 'cgroup/memory.max': '1' } } }),
    inLinux({ cgroupsPath: '/a/../../b' }),
  ],
  linux: [
    inLinux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x', syscalls: [{ names: [] }] } }),
    inLinux({ memoryPolicy: { mode: 'MPOL_BIND' } }),
    inLinux({ memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } }),
    inLinux({ personality: { domain: 'LINUX32', flags: ['ADDR_NO_RANDOMIZE'] } }),
  ],
};

test('faults that shapes cannot see are told', () => {
  const text = Object.values(faults).map((some) => some.map(problemsOf).join('\n'));
  expect(text.join('\n\n')).toMatchInlineSnapshot(`
    "/ociVersion: must be 1.x, not 3.0.0: write the spec anew for 1.3.0

    /mounts/0/source: must be given: it is what a bind mount shows
    /mounts/1/type: must name a filesystem, or the options must hold bind or rbind
    /mounts/2/type: must name a filesystem, or the options must hold bind or rbind
    /mounts/0/options/0: must be an option of bind mounts, not 'noexce' (did you mean noexec?)
    /mounts/0/options/1: must be an option of bind mounts, not 'size=5'
    /mounts/1/options: must hold bind or rbind, not both
    /mounts/1/options: must not hold tmpcopyup: it belongs to tmpfs
    /mounts/2/options: must hold idmap or ridmap, not both
    /mounts/2/options: must have ids to map for ridmap: give the mount uidMappings and gidMappings, or the container a new user namespace
    /mounts/2: must be a bind mount to have its ids mapped
    /mounts/3: must give both uidMappings and gidMappings, or neither
    /mounts/0/uidMappings/1: must not map a containerID that an earlier entry maps
    /mounts/0/uidMappings/1: must not map a hostID that an earlier entry maps
    /mounts/0/gidMappings/0/size: must end within 32 bits, counted from hostID 1000

    /process/args/0: must name the program to run
    /process/capabilities/effective/0: must be permitted too: add CAP_KILL to permitted
    /process/capabilities/ambient/0: must be permitted and inheritable too: add CAP_KILL to inheritable
    /process/rlimits/1: must not set RLIMIT_CORE again
    /process/rlimits/0/soft: must not be above the hard limit of 1
    /process/scheduler/priority: must be from 1 to 99 for SCHED_FIFO
    /process/scheduler/priority: must be 0 for SCHED_BATCH: it belongs to SCHED_FIFO and SCHED_RR
    /process/scheduler/runtime: must be 0 for SCHED_BATCH: it belongs to SCHED_DEADLINE
    /process/scheduler: must hold 0 < runtime <= deadline <= period
    /hooks/poststop/0/args: must begin with the name of the program, or be left out

    /linux/namespaces/2: must not list pid again
    /linux/namespaces: must list mount: the root cannot be changed in the mount namespace of the host
    /hostname: needs a uts namespace: list one, or the host would be renamed
    /domainname: must be at most 64 bytes long
    /linux/timeOffsets: needs a new time namespace: list one
    /linux/timeOffsets: needs a new time namespace: leave out the path of the one listed
    /linux/sysctl/net~1ipv4~1ip_forward: needs a network namespace: list one, or the host would be changed
    /linux/sysctl/vm.swappiness: belongs to no namespace: it would change the whole machine
    /linux/sysctl/net..x: must be a name such as net.ipv4.ip_forward
    /linux/sysctl/kernel.hostname: is set by the hostname of the spec
    /linux/netDevices: needs a network namespace to move them to: list one
    /linux/netDevices/a~1b: must be the name of an interface
    /linux/netDevices/eth1: must not be a second eth0 in the container
    /linux/netDevices/eth2/name: must be the name of an interface
    /linux/netDevices/c/name: must not have a % but in %d, where the first number that is free stands
    /linux/netDevices/d/name: must not have a % but in %d, where the first number that is free stands

    /linux/gidMappings/1: must not map a hostID that an earlier entry maps
    /linux/gidMappings: must be given: without it nobody exists in the new user namespace
    /linux/gidMappings: needs a user namespace: list one
    /linux/uidMappings: must be left out: the user namespace that is joined has its own
    /process/user/uid: must be an id that uidMappings maps, not 10
    /process/user/additionalGids/1: must be an id that gidMappings maps, not 11

    /linux/devices/0/minor: must be given for a device
    /linux/devices/1/path: must not be /dev/a, where an earlier one lies
    /linux/devices/0/path: must be an absolute path, not 'a'
    /linux/devices/0/major: must be a whole number from 0 to 4095, not 4096
    /linux/devices/0/fileMode: must be a whole number from 0 to 511, not 512

    /linux/resources/memory/swap: must be at least the memory limit of 100: it counts both together
    /linux/resources/memory/swap: needs a memory limit: it counts memory and swap together
    /linux/resources/cpu/shares: must be from 2 to 262144, or 0 to leave it alone
    /linux/resources/cpu/quota: must be at least 1000 microseconds, or -1 for no limit
    /linux/resources/cpu/period: must be from 1000 to 1000000 microseconds
    /linux/resources/cpu/burst: must not be above the quota of 500
    /linux/resources/blockIO/weightDevice/0: must give weight or leafWeight
    /linux/resources/blockIO/weight: must be from 10 to 1000, or 0 to leave it alone
    /linux/resources/hugepageLimits/1: must not limit 2MB again
    /linux/resources/rdma/mlx5_1: must give hcaHandles or hcaObjects
    /linux/resources/unified/..~1x: must be the name of a cgroup v2 file such as memory.high
    /linux/resources/unified/cgroup~1memory.max: must be the name of a cgroup v2 file such as memory.high
    /linux/cgroupsPath: must not lead up with ..

    /linux/seccomp/syscalls/0/action: must be given
    /linux/seccomp/listenerMetadata: must come with listenerPath, or it reaches nobody
    /linux/seccomp/syscalls/0/names: must name a call
    /linux/memoryPolicy/nodes: must list at least one node for MPOL_BIND
    /linux/memoryPolicy/nodes: must be left out for MPOL_LOCAL
    /linux/personality/flags: must be empty: the spec defines none"
  `);
});

test('every check is tripped by one of these faults, at its place', () => {
  const tripped = Object.values(faults)
    .flat()
    .flatMap((fault) =>
      checks.flatMap((check) => [...check.rule({ ...least, ...fault })].map((found) => ({ check, found }))),
    );
  expect(new Set(tripped.map(({ check }) => check.name))).toEqual(new Set(checks.map(({ name }) => name)));
  for (const { check, found } of tripped) expect(found.pointer.startsWith(check.path)).toBe(true);
});
