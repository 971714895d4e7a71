import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeCgroups } from '../../cgroup/hierarchy.ts';
import { TareError } from '../../errors.ts';
import { maskedPaths, readonlyPaths } from '../../spec/default-paths.ts';
import { specVersion } from '../../spec/defaults.ts';
import type { Mount, Spec } from '../../spec/spec.ts';
import type { Words } from '../command-line.ts';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

const worlds = ['pid', 'network', 'ipc', 'uts', 'mount'] as const;

const mounts: Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
];

/** What runc(8) writes: a shell in a read-only root. A cgroup namespace belongs to it where all controllers are v2's. */
const plain = (unified: boolean): Spec => ({
  ociVersion: specVersion,
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'tare',
  mounts,
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: [...worlds, ...(unified ? (['cgroup'] as const) : [])].map((type) => ({ type })),
    maskedPaths: [...maskedPaths],
    readonlyPaths: [...readonlyPaths],
  },
});

export async function main(words: Words): Promise<number> {
  const file = join(words.value('bundle') ?? '.', 'config.json');
  const own = plain(Object.keys(probeCgroups().v1).length === 0);
  const spec = words.has('rootless') ? rootless(own) : own;
  try {
    writeFileSync(file, `${JSON.stringify(spec, undefined, 2)}\n`, { flag: 'wx', mode: 0o644 });
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new TareError(`write ${file}`, { errno, hint: errno === 'EEXIST' ? 'remove it first' : undefined, cause });
  }
  return 0;
}

/** For whoever has no power over the host: a user namespace, its own id as root, and nothing that takes more. */
function rootless({ linux, ...spec }: Spec): Spec {
  const { resources: _, namespaces = [], ...rest } = linux ?? {};
  const own = (id: number) => [{ containerID: 0, hostID: id, size: 1 }];
  const inHost = namespaces.filter(({ type }) => type !== 'network');
  return {
    ...spec,
    mounts: mounts
      .map((mount) => ({ ...mount, options: mount.options?.filter((option) => !option.startsWith('gid=')) }))
      .map((mount) =>
        mount.type === 'sysfs'
          ? { ...mount, type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] }
          : mount,
      ),
    linux: {
      ...rest,
      namespaces: [...inHost, { type: 'user' }],
      uidMappings: own(process.geteuid?.() ?? 0),
      gidMappings: own(process.getegid?.() ?? 0),
    },
  };
}
