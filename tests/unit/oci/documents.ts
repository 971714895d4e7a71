/**
 * Random `config.json`: a plain container, some properties of the spec that it may have, and then perhaps a value that nobody
 * expects where it is.
 */
import fc from 'fast-check';

type Document = Record<string, unknown>;

const plain: Document = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: {
    args: ['true'],
    cwd: '/',
    env: ['PATH=/bin'],
    user: { uid: 0, gid: 0 },
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
  },
  hostname: 'box',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  ],
  linux: { namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
};

const mount = (destination: string, type: string, source: string, ...options: string[]) => ({
  destination,
  type,
  source,
  options,
});
const world = (...types: string[]) => ['mount', 'uts', 'network', 'ipc', ...types].map((type) => ({ type }));
const maps = [{ containerID: 0, hostID: 100000, size: 65536 }];

/** By path: good values first, then some that are not. */
const properties: Readonly<Record<string, readonly unknown[]>> = {
  ociVersion: ['1.0.2', '1.9.9', '1.0.0-rc1', '2.0.0', '0.9', ''],
  'root/path': ['rootfs', '/', 'nowhere', ''],
  'root/readonly': [true],
  hostname: ['näme', 'h'.repeat(64), 'h'.repeat(65), ''],
  domainname: ['example.org', 'd'.repeat(65)],
  annotations: [{}, { key: 'value' }, { '': '' }],
  'process/args': [['sh', '-c', 'exit 3'], ['/bin/true'], ['nothing-there'], ['/'], [''], []],
  'process/cwd': ['/tmp', '/a/new/one', '/proc/self/fd/3', '/etc/passwd', '', 'relative'],
  'process/env': [[], ['A=b', 'PATH='], ['=', 'x', 'PATH=:/bin:']],
  'process/user': [
    { uid: 1000, gid: 1000, additionalGids: [1, 2] },
    { uid: 0, gid: 0, umask: 0o77 },
    { uid: 4294967295, gid: 0 },
    { uid: -1, gid: 0 },
    {},
  ],
  'process/capabilities': [
    {},
    { bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], inheritable: ['CAP_CHOWN'], ambient: ['CAP_CHOWN'] },
    { bounding: ['CAP_NOT_ANY'], effective: ['CAP_NOT_ANY'] },
    { effective: ['kill'] },
  ],
  'process/rlimits': [
    [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
    [{ type: 'RLIMIT_CORE', soft: 1, hard: 0 }],
    [{ type: 'RLIMIT_ANY', soft: 0, hard: 0 }],
    [{ type: 'RLIMIT_CORE', soft: 2 ** 64, hard: 2 ** 64 }],
  ],
  'process/noNewPrivileges': [true],
  'process/oomScoreAdj': [0, 1000, 1001, -1000, 0.5],
  'process/apparmorProfile': ['', 'nobody-has-it'],
  'process/selinuxLabel': ['', 'system_u:system_r:x_t:s0'],
  'process/scheduler': [
    { policy: 'SCHED_BATCH', nice: 5 },
    { policy: 'SCHED_OTHER', nice: 30 },
    { policy: 'SCHED_FIFO', priority: 0 },
    { policy: 'SCHED_ANY' },
  ],
  'process/ioPriority': [
    { class: 'IOPRIO_CLASS_IDLE', priority: 0 },
    { class: 'IOPRIO_CLASS_BE', priority: 9 },
    { class: 'IOPRIO_CLASS_ANY', priority: 1 },
  ],
  'process/execCPUAffinity': [{ initial: '0' }, { initial: 'x' }, {}],
  'mounts/2': [
    mount('/data', 'tmpfs', 'tmpfs', 'size=1m', 'ro'),
    mount('/data/deep', 'bind', '/etc', 'rbind', 'ro', 'rslave'),
    mount('/etc/hosts', 'bind', '/etc/hostname', 'bind', 'nosuid'),
    mount('/sys', 'sysfs', 'sysfs', 'ro'),
    mount('/dev/mqueue', 'mqueue', 'mqueue'),
    mount('/tmp', 'tmpfs', 'tmpfs', 'tmpcopyup'),
    mount('/data', 'bind', '/nowhere', 'rbind'),
    mount('/data', 'bind', '/etc', 'rbind', 'idmap'),
    mount('/data', 'tmpfs', 'tmpfs', 'size=much'),
    mount('relative', 'tmpfs', 'tmpfs'),
    mount('/', 'tmpfs', 'tmpfs'),
    mount('/data', 'ext9', 'x'),
    mount('/bin/true', 'tmpfs', 'tmpfs'),
    { destination: '/data' },
    { destination: '/data', type: 'bind' },
  ],
  'hooks/prestart/0': [{ path: '/bin/true' }, { path: '/bin/false' }, { path: '/nowhere' }, { path: 'true' }, {}],
  'hooks/poststop/0': [
    { path: '/bin/true', timeout: 5 },
    { path: '/bin/true', timeout: -1 },
  ],
  'linux/namespaces': [
    world('pid', 'cgroup', 'time'),
    world(),
    [...world(), { type: 'pid', path: '/nowhere' }],
    world('user'),
    world('pid', 'pid'),
    [{ type: 'pid' }],
    [],
  ],
  'linux/uidMappings': [maps, [{ containerID: 0, hostID: 0, size: 0 }]],
  'linux/gidMappings': [maps, []],
  'linux/devices/0': [
    { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 1 },
    { path: '/dev/a/b', type: 'p' },
    { path: '/null', type: 'u', major: 1, minor: 3 },
    { path: '/dev/x', type: 'x' },
    { path: '/dev/x', type: 'b' },
    { path: 'x', type: 'p' },
  ],
  'linux/cgroupsPath': ['/tare-fuzz/one', 'tare-fuzz', '', '../../up', '/', '/a/../b', '/a\nb'],
  'linux/resources': [
    { devices: [{ allow: false, access: 'rwm' }] },
    { devices: [{ allow: true, type: 'c', major: 1, minor: -1, access: 'r' }] },
    { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
    { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] },
    { pids: { limit: 10 }, memory: { limit: 2 ** 30 }, cpu: { shares: 100, quota: 5000 } },
    { memory: { limit: -2 } },
    { unified: { 'cgroup.max.depth': '7' } },
    { unified: { '../x': '1' } },
    { network: { classID: 1 } },
  ],
  'linux/sysctl': [
    { 'net.ipv4.ip_forward': '1' },
    { 'kernel.msgmax': '9000' },
    { 'vm.swappiness': '1' },
    { 'net/../../x': '1' },
    { 'net.ipv4.nothing': '1' },
  ],
  'linux/maskedPaths': [['/proc/kcore', '/nowhere'], ['/etc'], ['/'], ['']],
  'linux/readonlyPaths': [['/proc/sys'], ['/nowhere'], ['/']],
  'linux/rootfsPropagation': ['rslave', 'private', 'shared', 'unbindable', 'any', ''],
  'linux/personality': [{ domain: 'LINUX32' }, { domain: 'BSD' }, { domain: 'LINUX', flags: ['x'] }],
  'linux/timeOffsets': [{}, { monotonic: { secs: 7 } }, { boottime: { secs: -(2 ** 40) } }],
  'linux/memoryPolicy': [
    { mode: 'MPOL_BIND', nodes: '0' },
    { mode: 'MPOL_ANY' },
    { mode: 'MPOL_BIND', nodes: '0-99999999' },
  ],
  'linux/intelRdt': [{ closID: 'x' }, {}],
  'linux/netDevices': [{}, { nowhere0: {} }, { lo: { name: 'a/b' } }],
  'linux/mountLabel': ['', 'system_u:object_r:x_t:s0'],
  'linux/seccomp': [
    { defaultAction: 'SCMP_ACT_ALLOW' },
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'no_call'], action: 'SCMP_ACT_ERRNO' }] },
    { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'] },
    { defaultAction: 'SCMP_ACT_KILL' },
    { defaultAction: 'SCMP_ACT_ANY' },
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] },
  ],
};

const names = Object.keys(properties);

/** A value at a path; what is on the way is made. */
function put(value: unknown, [key, ...rest]: readonly string[], what: unknown): unknown {
  if (key === undefined) return what;
  if (Array.isArray(value) || (value === undefined && /^\d+$/.test(key))) {
    const list = [...((value as unknown[] | undefined) ?? [])];
    list[Math.min(Number(key), list.length)] = put(list[Number(key)], rest, what);
    return list;
  }
  const map = (value ?? {}) as Document;
  return { ...map, [key]: put(map[key], rest, what) };
}

const change = fc.tuple(fc.nat(names.length - 1), fc.nat(20)).map(([at, turn]): [string, unknown] => {
  const name = names[at] ?? '';
  const values = properties[name] ?? [];
  return [name, values[turn % values.length]];
});

const strange = fc.oneof(
  fc.constantFrom<unknown>(null, -1, 0, 1e308, 2 ** 53, '\0', '', true, [], {}, [null], [[]], 'x'.repeat(5000)),
  fc.jsonValue({ maxDepth: 1 }),
);

/** Puts something in the place of what is found by so many turns. */
function strike(value: unknown, [turn, ...rest]: readonly number[], what: unknown): unknown {
  if (turn === undefined || typeof value !== 'object' || value === null) return what;
  const keys = Object.keys(value);
  const key = keys[turn % Math.max(keys.length, 1)];
  return key === undefined ? what : put(value, [key], strike((value as Document)[key], rest, what));
}

const blow = fc.tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), strange);

export const documents: fc.Arbitrary<unknown> = fc
  .tuple(fc.array(change, { maxLength: 4 }), fc.option(blow, { freq: 2 }))
  .map(([changes, struck]) => {
    const document = changes.reduce<unknown>((whole, [name, value]) => put(whole, name.split('/'), value), plain);
    return struck === null ? document : strike(document, ...struck);
  });
