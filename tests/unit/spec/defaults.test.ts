import { expect, test } from 'vitest';
import { requestProblems, specOf } from '../../../src/spec/defaults.ts';
import type { RunRequest } from '../../../src/spec/request.ts';
import type { DeviceNode, SpecFacts } from '../../../src/spec/spec-facts.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { checkSpec } from '../../../src/spec/validate.ts';
import { busybox, changes, host, legible, rootlessHost, told } from './examples.ts';

const plain = specOf({ image: 'busybox' }, busybox, host);

/** The spec of a request, which always is a good one. */
function made(request: Partial<RunRequest>, facts: SpecFacts = host): Spec {
  const spec = specOf({ image: 'busybox', ...request }, busybox, facts);
  expect(checkSpec(spec)).toEqual(spec);
  return spec;
}

/** What a request changes of the plain spec. */
const changed = (request: Partial<RunRequest>, facts: SpecFacts = host): string => changes(plain, made(request, facts));

const refused = (request: object, facts: SpecFacts = host): string =>
  told(requestProblems({ image: 'busybox', ...request }, busybox, facts));

test('busybox with nothing asked for gets what Docker gives', async () => {
  expect(checkSpec(plain)).toEqual(plain);
  expect(await legible(plain)).toMatchInlineSnapshot(`
    "{
      "ociVersion": "1.3.0",
      "root": { "path": "/var/lib/tare/0123456789ab/root", "readonly": false },
      "hostname": "0123456789ab",
      "process": {
        "terminal": false,
        "user": { "uid": 0, "gid": 0, "umask": 18, "additionalGids": [] },
        "args": ["sh"],
        "env": [
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "HOSTNAME=0123456789ab",
          "HOME=/root"
        ],
        "cwd": "/",
        "capabilities": {
          "bounding": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE"
          ],
          "effective": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE"
          ],
          "permitted": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE"
          ],
          "inheritable": [],
          "ambient": []
        },
        "noNewPrivileges": false
      },
      "mounts": [
        { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] },
        {
          "destination": "/dev",
          "type": "tmpfs",
          "source": "tmpfs",
          "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]
        },
        {
          "destination": "/dev/pts",
          "type": "devpts",
          "source": "devpts",
          "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
        },
        {
          "destination": "/sys",
          "type": "sysfs",
          "source": "sysfs",
          "options": ["nosuid", "noexec", "nodev", "ro"]
        },
        {
          "destination": "/sys/fs/cgroup",
          "type": "cgroup",
          "source": "cgroup",
          "options": ["ro", "nosuid", "noexec", "nodev"]
        },
        {
          "destination": "/dev/mqueue",
          "type": "mqueue",
          "source": "mqueue",
          "options": ["nosuid", "noexec", "nodev"]
        },
        {
          "destination": "/dev/shm",
          "type": "tmpfs",
          "source": "shm",
          "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]
        }
      ],
      "linux": {
        "namespaces": [
          { "type": "pid" },
          { "type": "network" },
          { "type": "mount" },
          { "type": "ipc" },
          { "type": "uts" },
          { "type": "cgroup" }
        ],
        "cgroupsPath": "0123456789ab",
        "resources": {
          "devices": [
            { "allow": false, "access": "rwm" },
            { "allow": true, "type": "c", "access": "m" },
            { "allow": true, "type": "b", "access": "m" },
            { "allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm" },
            { "allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm" },
            { "allow": true, "type": "c", "major": 1, "minor": 7, "access": "rwm" },
            { "allow": true, "type": "c", "major": 1, "minor": 8, "access": "rwm" },
            { "allow": true, "type": "c", "major": 1, "minor": 9, "access": "rwm" },
            { "allow": true, "type": "c", "major": 5, "minor": 0, "access": "rwm" },
            { "allow": true, "type": "c", "major": 5, "minor": 1, "access": "rwm" },
            { "allow": true, "type": "c", "major": 5, "minor": 2, "access": "rwm" },
            { "allow": true, "type": "c", "major": 136, "access": "rwm" }
          ]
        },
        "sysctl": { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647" },
        "maskedPaths": [
          "/proc/acpi",
          "/proc/asound",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/sys/devices/virtual/powercap",
          "/sys/firmware"
        ],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
      }
    }
    "
  `);
});

test('a privileged container has every capability and device, and sees all of /proc and /sys', () => {
  const seccomp = () => ({ defaultAction: 'SCMP_ACT_ERRNO' as const });
  const sda = { type: 'b', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 } as const;
  const devices = new Map<string, DeviceNode>([
    ['/dev/sda', sda],
    ['/dev/null', { ...sda, type: 'c' }],
  ]);
  const facts = { ...host, seccomp, devices };
  expect(made({}, facts).linux?.seccomp).toEqual(seccomp());
  const spec = made({ privileged: true, capDrop: ['sys_boot'] }, facts);
  const { bounding = [] } = spec.process.capabilities ?? {};
  expect(bounding).toHaveLength(40);
  expect(bounding).not.toContain('CAP_SYS_BOOT');
  expect(changes({ ...plain, process: spec.process }, spec)).toMatchInlineSnapshot(`
    "- /mounts {"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]} {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro","nosuid","noexec","nodev"]}
    - /linux/resources/devices 12 items
    - /linux/maskedPaths 12 items
    - /linux/readonlyPaths 5 items
    + /mounts {"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","rw"]} {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["rw","nosuid","noexec","nodev"]}
    + /linux/devices {"path":"/dev/sda","type":"b","major":8,"minor":0,"fileMode":432,"uid":0,"gid":6}
    + /linux/resources/devices {"allow":true,"access":"rwm"}
    + /linux/maskedPaths []
    + /linux/readonlyPaths []"
  `);
});

test('the network namespace of the host brings its name and leaves its sysctls alone', () => {
  expect(changed({ namespaces: { network: 'host' } })).toMatchInlineSnapshot(`
    "- /hostname "0123456789ab"
    - /process/env "HOSTNAME=0123456789ab"
    - /linux/namespaces {"type":"network"}
    - /linux/sysctl/net.ipv4.ip_unprivileged_port_start "0"
    - /linux/sysctl/net.ipv4.ping_group_range "0 2147483647"
    + /hostname "mill"
    + /process/env "HOSTNAME=mill""
  `);
});

test('the ipc namespace of the host brings its shared memory', () => {
  expect(changed({ namespaces: { ipc: 'host', pid: 'host' } })).toMatchInlineSnapshot(`
    "- /mounts {"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777","size=67108864"]}
    - /linux/namespaces {"type":"pid"} {"type":"ipc"}
    + /mounts {"destination":"/dev/shm","type":"bind","source":"/dev/shm","options":["rbind","rprivate","nosuid","noexec","nodev"]}"
  `);
});

test('a namespace is joined by its path', () => {
  expect(changed({ namespaces: { uts: { path: '/proc/7/ns/uts' } } })).toMatchInlineSnapshot(`
    "- /hostname "0123456789ab"
    - /process/env "HOSTNAME=0123456789ab"
    - /linux/namespaces {"type":"uts"}
    + /process/env "HOSTNAME=mill"
    + /linux/namespaces {"type":"uts","path":"/proc/7/ns/uts"}"
  `);
});

test('clocks get offsets in a time namespace', () => {
  expect(changed({ timeOffsets: { boottime: 3600 } })).toMatchInlineSnapshot(`
    "+ /linux/namespaces {"type":"time"}
    + /linux/timeOffsets/boottime/secs 3600"
  `);
});

test('an ordinary user becomes root of a user namespace with its subordinate ids', () => {
  expect(changed({}, rootlessHost)).toMatchInlineSnapshot(`
    "- /linux/resources/devices 12 items
    - /linux/sysctl/net.ipv4.ping_group_range "0 2147483647"
    + /linux/namespaces {"type":"user"}
    + /linux/uidMappings {"containerID":0,"hostID":1000,"size":1} {"containerID":1,"hostID":100000,"size":65536}
    + /linux/gidMappings {"containerID":0,"hostID":1000,"size":1} {"containerID":1,"hostID":100000,"size":65536}"
  `);
});

test('without subordinate ids there is one id, and no group for terminals', () => {
  const { uidMappings, gidMappings } = made({}, { ...rootlessHost, subordinate: undefined }).linux ?? {};
  expect([uidMappings, gidMappings]).toMatchInlineSnapshot(`
    [
      [
        {
          "containerID": 0,
          "hostID": 1000,
          "size": 1,
        },
      ],
      [
        {
          "containerID": 0,
          "hostID": 1000,
          "size": 1,
        },
      ],
    ]
  `);
  const ptys = made({}, { ...rootlessHost, subordinate: undefined }).mounts?.find(({ type }) => type === 'devpts');
  expect(ptys?.options).not.toContain('gid=5');
});

test('in a user namespace, filesystems of namespaces that are not its own are shown, not mounted', () => {
  const spec = made({ namespaces: { network: 'host', pid: 'host', cgroup: 'host', ipc: 'host' } }, rootlessHost);
  const shown = spec.mounts?.filter(({ type }) => type === 'bind').map(({ destination }) => destination);
  expect(shown).toMatchInlineSnapshot(`
    [
      "/proc",
      "/sys",
      "/sys/fs/cgroup",
      "/dev/mqueue",
      "/dev/shm",
    ]
  `);
});

test('maps given for one sort of ids serve both', () => {
  const map = { containerID: 0, hostID: 200_000, size: 1000 };
  const { namespaces, uidMappings, gidMappings } = made({ uidMappings: [map] }).linux ?? {};
  expect(namespaces).toContainEqual({ type: 'user' });
  expect([uidMappings, gidMappings]).toEqual([[map], [map]]);
});

test('a request wins over its image, and the image over the defaults', () => {
  const image = {
    env: ['PATH=/bin', 'LANG=C', 'broken'],
    entrypoint: ['/entry'],
    cmd: ['serve'],
    workingDir: 'srv',
  };
  const from = (request: Partial<RunRequest>) => specOf({ image: 'dir:/x', ...request }, image, host).process;
  const { args, env, cwd } = from({});
  expect({ args, env, cwd }).toMatchInlineSnapshot(`
    {
      "args": [
        "/entry",
        "serve",
      ],
      "cwd": "/srv",
      "env": [
        "PATH=/bin",
        "HOSTNAME=0123456789ab",
        "HOME=/root",
        "LANG=C",
      ],
    }
  `);
  expect(from({ args: ['check'] }).args).toEqual(['/entry', 'check']);
  expect(from({ entrypoint: ['sh'] }).args).toEqual(['sh']);
  expect(from({ entrypoint: [], args: ['ls'] }).args).toEqual(['ls']);
  expect(from({ env: ['LANG=de', 'PATH=/sbin'], cwd: '/tmp' })).toMatchObject({
    env: ['PATH=/sbin', 'HOSTNAME=0123456789ab', 'HOME=/root', 'LANG=de'],
    cwd: '/tmp',
  });
});

test('who is not root has capabilities to gain, but none', () => {
  const user = { uid: 33, gid: 33, additionalGids: [7], home: '/var/www' };
  const { process } = made({ capAdd: ['NET_ADMIN'], capDrop: ['all'] }, { ...host, user });
  expect(process).toMatchObject({
    user: { uid: 33, gid: 33, umask: 0o022, additionalGids: [7] },
    capabilities: { bounding: ['CAP_NET_ADMIN'], effective: [], permitted: [] },
  });
  expect(process.env).toContain('HOME=/var/www');
});

test('capabilities that the caller does not have are not among the defaults', () => {
  const { process } = made({}, { ...host, capabilities: ['CAP_KILL', 'CAP_CHOWN'] });
  expect(process.capabilities?.bounding).toEqual(['CAP_CHOWN', 'CAP_KILL']);
});

test('limits become resources, and what only cgroup v2 has becomes its files', () => {
  const limits = {
    memory: '64m',
    memoryHigh: '48m',
    memoryReservation: '32m',
    cpus: 1.5,
    cpuWeight: 200,
    cpuBurst: 1000,
    cpusetCpus: '0-2,7',
    pids: 100,
    ioWeight: 50,
    unified: { 'memory.oom.group': '1' },
  };
  expect(changed({ limits })).toMatchInlineSnapshot(`
    "+ /linux/resources/memory/limit 67108864
    + /linux/resources/memory/reservation 33554432
    + /linux/resources/memory/swap 134217728
    + /linux/resources/cpu/quota 150000
    + /linux/resources/cpu/period 100000
    + /linux/resources/cpu/burst 1000
    + /linux/resources/cpu/cpus "0-2,7"
    + /linux/resources/pids/limit 100
    + /linux/resources/unified/cpu.weight "200"
    + /linux/resources/unified/io.weight "50"
    + /linux/resources/unified/memory.high "50331648"
    + /linux/resources/unified/memory.oom.group "1""
  `);
});

test('swap is limited as Docker does: as much again, all, none, or as said', () => {
  const swap = (limits: RunRequest['limits'], facts = host) => made({ limits }, facts).linux?.resources?.memory?.swap;
  const megabyte = 2 ** 20;
  expect(swap({ memory: '64m' })).toBe(128 * megabyte);
  expect(swap({ memory: '64m', memorySwap: '64m' })).toBe(64 * megabyte);
  expect(swap({ memory: '64m', memorySwap: -1 })).toBe(-1);
  expect(swap({ memory: '64m' }, { ...host, lacks: ['memory.swap'] })).toBeUndefined();
});

test('mounts that are asked for take the place of defaults, parents first', () => {
  const mounts: RunRequest['mounts'] = [
    { type: 'bind', source: '/srv/deep', target: '/data/deep', options: [] },
    { type: 'bind', source: '/srv', target: '/data', options: ['ro', 'bind', 'rslave'] },
    { type: 'tmpfs', target: '/tmp', options: ['size=64m', 'exec'] },
    { type: 'bind', source: '/dev', target: '/dev', options: [] },
  ];
  const spec = made({ mounts });
  const shown = spec.mounts?.map(
    ({ destination, source, options = [] }) => `${destination} ${source} ${options.join()}`,
  );
  expect(shown).toMatchInlineSnapshot(`
    [
      "/proc proc nosuid,noexec,nodev",
      "/sys sysfs nosuid,noexec,nodev,ro",
      "/sys/fs/cgroup cgroup ro,nosuid,noexec,nodev",
      "/data /srv ro,bind,rslave",
      "/tmp tmpfs nosuid,nodev,noexec,size=64m,exec",
      "/dev /dev rbind,rprivate",
      "/data/deep /srv/deep rbind,rprivate",
    ]
  `);
  expect(spec.linux?.rootfsPropagation).toBe('slave');
});

test('what the host lacks is left out', () => {
  const lacks = ['cgroup2', 'mqueue', 'net.ipv4.ping_group_range'] as const;
  expect(changed({}, { ...host, lacks: [...lacks] })).toMatchInlineSnapshot(`
    "- /mounts {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro","nosuid","noexec","nodev"]} {"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]}
    - /linux/sysctl/net.ipv4.ping_group_range "0 2147483647""
  `);
});

test('devices are nodes, and rules that allow them', () => {
  const kvm = { type: 'c', major: 10, minor: 232, fileMode: 0o660, uid: 0, gid: 108 } as const;
  const devices = [{ source: '/dev/kvm', target: '/dev/vm', permissions: 'rw' }];
  const facts = { ...host, devices: new Map([['/dev/kvm', kvm]]) };
  expect(changed({ devices }, facts)).toMatchInlineSnapshot(`
    "+ /linux/devices {"path":"/dev/vm","type":"c","major":10,"minor":232,"fileMode":432,"uid":0,"gid":108}
    + /linux/resources/devices {"allow":true,"type":"c","major":10,"minor":232,"access":"rw"}"
  `);
});

test('the rest of what can be asked for lands where the spec has it', () => {
  const spec = made({
    name: 'web',
    terminal: true,
    hostname: 'box',
    domainname: 'example.org',
    readOnly: true,
    umask: 0o077,
    oomScoreAdj: 500,
    noNewPrivileges: true,
    apparmor: 'tight',
    selinux: 'system_u:system_r:container_t:s0',
    systemPaths: 'unconfined',
    sysctl: { 'net.core.somaxconn': '64' },
    ulimits: [{ name: 'nofile', soft: 1024, hard: 'unlimited' }],
    annotations: { 'org.example.owner': 'me' },
  });
  expect(changes(plain, spec)).toMatchInlineSnapshot(`
    "- /root/readonly false
    - /hostname "0123456789ab"
    - /process/terminal false
    - /process/user/umask 18
    - /process/env "HOSTNAME=0123456789ab"
    - /process/noNewPrivileges false
    - /linux/cgroupsPath "0123456789ab"
    - /linux/maskedPaths 12 items
    - /linux/readonlyPaths 5 items
    + /root/readonly true
    + /hostname "box"
    + /domainname "example.org"
    + /process/terminal true
    + /process/user/umask 63
    + /process/env "HOSTNAME=box" "TERM=xterm"
    + /process/rlimits {"type":"RLIMIT_NOFILE","soft":1024,"hard":18446744073709552000}
    + /process/noNewPrivileges true
    + /process/apparmorProfile "tight"
    + /process/selinuxLabel "system_u:system_r:container_t:s0"
    + /process/oomScoreAdj 500
    + /annotations/org.example.owner "me"
    + /linux/cgroupsPath "web"
    + /linux/sysctl/net.core.somaxconn "64"
    + /linux/maskedPaths []
    + /linux/readonlyPaths []"
  `);
});

test('contradictions are told all at once', () => {
  const request = {
    readOnly: true,
    upper: '/keep',
    hostname: 'box',
    limits: { memory: '64m', memorySwap: '32m', memoryHigh: '65m', cpuBurst: 5, cpuIdle: true, cpuWeight: 3 },
    namespaces: { network: 'host', uts: 'host', time: 'host', mount: 'host', user: { path: '/proc/7/ns/user' } },
    timeOffsets: { monotonic: 1 },
    uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
    sysctl: { 'net.ipv4.ip_forward': '1', 'vm.swappiness': '1', 'net/../kernel': '1' },
    capAdd: ['net_admin', 'syslg'],
    capDrop: ['CAP_NET_ADMIN'],
  };
  expect(refused(request)).toMatchInlineSnapshot(`
    "/upper: must not be given with readOnly: nothing will be written to keep
    /namespaces/mount: must not be host: the container's root would become the host's
    /hostname: must not be set in the uts namespace of the host
    /timeOffsets: needs a new time namespace: leave out namespaces.time
    /sysctl/net.ipv4.ip_forward: must not be set in the network namespace of the host
    /sysctl/vm.swappiness: belongs to no namespace: it would change the whole machine
    /sysctl/net~1..~1kernel: must be a name such as net.ipv4.ip_forward
    /uidMappings: needs a new user namespace: the one that is joined has its own
    /limits/memorySwap: must be at least the 64m of memory, not 32m: it counts memory and swap together
    /limits/memoryHigh: must be at most the 64m of memory, not 65m
    /limits/cpuBurst: needs cpus: without a limit there is nothing to save up
    /limits/cpuWeight: must not be given with cpuIdle, which is the least weight there is
    /capAdd/1: must be a capability, not 'syslg' (did you mean CAP_SYSLOG?)
    /capDrop/0: must not drop CAP_NET_ADMIN, which is added too"
  `);
});

test('bad forms are told with contradictions, and misspelt names with the nearest', () => {
  const request = {
    memroy: 1,
    args: [''],
    name: 'a b',
    env: ['A'],
    limits: { memory: '64x', cpus: 0, cpusetCpus: 'all' },
    mounts: [
      { type: 'volume', target: 'data', options: [] },
      { type: 'bind', target: '/data', options: ['bind', 'rbind'] },
      { type: 'tmpfs', source: '/x', target: '/data', options: [] },
    ],
    ulimits: [
      { name: 'nofiles', soft: 2, hard: 1 },
      { name: 'core', soft: 'unlimited', hard: 0 },
      { name: 'core', soft: 0, hard: 0 },
    ],
    devices: [{ source: '/dev/none', target: '/dev/x', permissions: 'rx' }],
    namespaces: { pid: 'private' },
    gidMappings: [],
    domainname: 'x'.repeat(65),
  };
  expect(refused(request)).toMatchInlineSnapshot(`
    "/memroy: must not be there: nothing has this name
    /name: must be made of letters, digits, _, . and -, not 'a b'
    /env/0: must be NAME=value, not 'A'
    /mounts/0/target: must be an absolute path below the root, not 'data'
    /devices/0/permissions: must be made of r, w and m, not 'rx'
    /limits/memory: must be a number and one of b, k, m, g or t, such as 64m, not '64x'
    /limits/cpus: must be a number of CPUs from 0.01 on, not 0
    /limits/cpusetCpus: must be a list of numbers and ranges such as 0-2,7, not 'all'
    /namespaces/pid: must be new, host or a path, not 'private'
    /args: must name the program to run
    /domainname: must be at most 64 bytes long
    /gidMappings: must map at least one id
    /ulimits/0/name: must be a limit of getrlimit(2), not 'nofiles' (did you mean nofile?)
    /ulimits/0/soft: must not be above the hard limit of 1
    /ulimits/1/soft: must not be above the hard limit of 0
    /ulimits/2: must not set core again
    /mounts/0/type: must be bind or tmpfs: tare keeps no volumes, give a directory of the host
    /mounts/1/options: must hold bind or rbind, not both
    /mounts/1/source: must be given: it is what is shown
    /mounts/2/source: must be left out: a tmpfs is empty
    /mounts/2/target: must not be /data, where an earlier one is mounted
    /devices/0/source: must be a device of the host: /dev/none is none"
  `);
});

test('an ordinary user cannot do without a user namespace, nor be whom it does not map', () => {
  expect(refused({ namespaces: { user: 'host' } }, rootlessHost)).toMatchInlineSnapshot(
    `"/namespaces/user: must not be host without privileges: leave it out, or run as root"`,
  );
  const facts = { ...rootlessHost, subordinate: undefined, user: { uid: 33, gid: 33, additionalGids: [] } };
  expect(refused({ user: 'www-data' }, facts)).toMatchInlineSnapshot(`
    "/user: runs as uid 33, which is not mapped: it needs subordinate ids (subuid(5)) or maps
    /user: runs with gid 33, which is not mapped: it needs subordinate ids (subuid(5)) or maps"
  `);
});

test('groups that the image gives its user are left out where they do not exist, those asked for are refused', () => {
  const user = { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' };
  const alone = { ...rootlessHost, subordinate: undefined, user };
  expect(made({}, alone).process.user.additionalGids).toEqual([0]);
  expect(made({}, { ...rootlessHost, user }).process.user.additionalGids).toEqual([0, 10]);
  expect(refused({ groupAdd: ['wheel'] }, alone)).toMatchInlineSnapshot(
    `"/user: runs with gid 10, which is not mapped: it needs subordinate ids (subuid(5)) or maps"`,
  );
});

test('an image without a command needs one', () => {
  expect(() => specOf({ image: 'dir:/empty' }, {}, host)).toThrowErrorMatchingInlineSnapshot(`
    [TareError: check the request: 1 problem
      /args: must hold a command: the image names none]
  `);
});
