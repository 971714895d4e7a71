/**
 * QEMU's jail, as a request for a container: a guest that breaks out of QEMU has still gone nowhere. Compare the jailer of
 * Firecracker, docs/jailer.md there.
 *
 *     root       empty, read-only; in it QEMU, its libraries and firmware, the kernel, the disks: read-only too
 *     user       one of its own, without capabilities, and with no way to get any
 *     namespaces mount, pid, IPC, UTS, cgroup, and network unless it is to speak for the guest
 *     filter     ours, and on top of it QEMU's `-sandbox`
 *     open       two sockets that lead to us, and a pipe each for the console and for complaints
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import type { RunRequest } from '../spec/request.ts';
import type { QemuOptions } from '../vm/qemu.ts';

export interface JailFacts {
  /** QEMU's path. */
  readonly qemu: string;
  /** An empty directory of the host. */
  readonly emptyRoot: string;
  readonly rootless: boolean;
  /** The ids it is to have; ignored where rootless. */
  readonly user: number;
  /** cgroup v2 controllers that our groups can have. */
  readonly grantable: readonly string[];
}

/** Where Debian has what QEMU needs besides its program; what is not there is not needed. */
const surroundings = [
  '/lib',
  '/lib64',
  '/usr/lib',
  '/etc/ld.so.cache',
  '/usr/share/qemu',
  '/usr/share/seabios',
  '/usr/share/ipxe',
];
/** For names that the guest asks QEMU's own DNS server for. */
const networkFiles = ['/etc/resolv.conf', '/etc/hosts'];

/**
 * One of the ids that systemd gives to dynamic users (61184 to 65519), so that no two machines share one by design; but
 * where a device lets in neither its group nor everybody, its owner, who has no capabilities either.
 */
export function jailUser(random: number, devices: readonly string[]): number {
  const closed = devices
    .map((path) => statSync(path))
    .find(({ mode }) => (mode & 0o060) !== 0o060 && (mode & 0o006) !== 0o006);
  return closed?.uid ?? 61_184 + Math.floor(random * (65_520 - 61_184));
}

/** No machine of ours has more threads: its processors, QEMU's own, and those of its disks. */
const mostThreads = 128;

export function jailRequest(options: QemuOptions, facts: JailFacts): RunRequest {
  const { qemu, emptyRoot, rootless, user, grantable } = facts;
  const read = [...surroundings, qemu, ...options.reads, ...(options.network === 'host' ? networkFiles : [])];
  const groups = options.devices.map((path) => String(statSync(path).gid));
  return {
    image: `dir:${emptyRoot}`,
    name: options.name,
    args: [qemu, ...options.argv],
    // QEMU goes to /var/tmp where it is told /tmp (block.c, create_tmp_file).
    env: ['PATH=/usr/bin', 'TMPDIR=/var/tmp'],
    cwd: '/',
    readOnly: true,
    capDrop: ['ALL'],
    noNewPrivileges: true,
    ...(rootless ? {} : { user: `${user}:${user}`, groupAdd: groups }),
    mounts: [
      ...unique(read)
        .filter((path) => existsSync(path))
        .map((path) => bind(path, ['ro', 'nosuid', 'nodev'])),
      ...options.writes.map((path) => bind(path, ['nosuid', 'nodev', 'noexec'])),
      { type: 'tmpfs', target: '/var/tmp', options: ['mode=1777', 'size=16m'] },
    ],
    devices: options.devices.map((path) => ({ source: path, target: path, permissions: 'rw' })),
    ...(options.network === 'none' ? {} : { namespaces: { network: options.network } }),
    ulimits: [{ name: 'core', soft: 0, hard: 0 }],
    ...(grantable.includes('pids') ? { limits: { pids: mostThreads } } : {}),
  };
}

const unique = (paths: readonly string[]): string[] => [...new Set(paths)];

/** At the path where it is named; what a link leads to, since the jail has no other way there. */
const bind = (path: string, options: string[]) => ({
  type: 'bind' as const,
  source: realpathSync(path),
  target: path,
  options,
});
