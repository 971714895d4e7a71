/**
 * Flags and constants by the names of the man pages, so that a program can be printed as a person would write it.
 *
 * `flags(O, 'PATH', 'CLOEXEC')` is a value that prints as `O_PATH|O_CLOEXEC`. The few that differ between architectures
 * carry both numbers; the encoder picks.
 */
import type { Arch } from './abi.ts';

/** One number, or one for each architecture. */
export type ArchValue = number | bigint | Readonly<Record<Arch, number>>;

/** A number with the name a reader knows it by: `MS_REC|MS_SLAVE`. */
export interface Named {
  readonly kind: 'named';
  readonly value: ArchValue;
  readonly text: string;
}

export interface Family<Name extends string> {
  readonly prefix: string;
  readonly values: Readonly<Record<Name, ArchValue>>;
}

const family = <Name extends string>(prefix: string, values: Record<Name, ArchValue>): Family<Name> => ({
  prefix,
  values,
});

export const named = (value: ArchValue, text: string): Named => ({ kind: 'named', value, text });

export function archValue(value: ArchValue, arch: Arch): number | bigint {
  return typeof value === 'object' ? value[arch] : value;
}

const either = (a: ArchValue, b: ArchValue, arch: Arch): number =>
  Number(BigInt(archValue(a, arch)) | BigInt(archValue(b, arch)));

/** The flags or-ed together; without any, 0. */
export function flags<Name extends string>(of: Family<Name>, ...names: Name[]): Named {
  let value: ArchValue = 0;
  for (const name of names) {
    const bit = of.values[name];
    value =
      typeof value === 'object' || typeof bit === 'object'
        ? { x64: either(value, bit, 'x64'), arm64: either(value, bit, 'arm64') }
        : either(value, bit, 'x64');
  }
  return named(value, names.length === 0 ? '0' : names.map((name) => of.prefix + name).join('|'));
}

export const AT_FDCWD = named(-100, 'AT_FDCWD');

/** open(2). Octal in the kernel's headers; arm64 has its own numbers for some. */
export const O = family('O_', {
  RDONLY: 0,
  WRONLY: 0o1,
  RDWR: 0o2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  NONBLOCK: 0o4000,
  DIRECTORY: { x64: 0o200000, arm64: 0o40000 },
  NOFOLLOW: { x64: 0o400000, arm64: 0o100000 },
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
});

/** openat2(2), `how.resolve`. */
export const RESOLVE = family('RESOLVE_', { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 16 });

/** The `*at` calls and the mount API. */
export const AT = family('AT_', {
  SYMLINK_NOFOLLOW: 0x100,
  SYMLINK_FOLLOW: 0x400,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
  REMOVEDIR: 0x200,
});

/** clone(2), unshare(2), setns(2). */
export const CLONE = family('CLONE_', {
  NEWTIME: 0x80,
  VM: 0x100,
  VFORK: 0x4000,
  PIDFD: 0x1000,
  PARENT: 0x8000,
  PARENT_SETTID: 0x100000,
  NEWNS: 0x20000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
});

/** mount(2). */
export const MS = family('MS_', {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
});

export const MNT = family('MNT_', { FORCE: 1, DETACH: 2 });

/** fsopen(2), fsmount(2), open_tree(2), move_mount(2): include/uapi/linux/mount.h. */
export const FSOPEN = family('FSOPEN_', { CLOEXEC: 1 });
export const FSMOUNT = family('FSMOUNT_', { CLOEXEC: 1 });
export const OPEN_TREE = family('', {
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: 0o2000000,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
  AT_SYMLINK_NOFOLLOW: 0x100,
});
export const MOVE_MOUNT = family('MOVE_MOUNT_', {
  F_SYMLINKS: 1,
  F_EMPTY_PATH: 4,
  T_SYMLINKS: 0x10,
  T_EMPTY_PATH: 0x40,
});
export const FSCONFIG = family('FSCONFIG_', {
  SET_FLAG: 0,
  SET_STRING: 1,
  SET_BINARY: 2,
  SET_PATH: 3,
  SET_PATH_EMPTY: 4,
  SET_FD: 5,
  CMD_CREATE: 6,
  CMD_RECONFIGURE: 7,
});

/** mount_setattr(2), fsmount(2). `_ATIME` is a field of three bits, not a flag. */
export const MOUNT_ATTR = family('MOUNT_ATTR_', {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  RELATIME: 0x0,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  _ATIME: 0x70,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
  NOSYMFOLLOW: 0x200000,
});

export const PR = family('PR_', {
  SET_PDEATHSIG: 1,
  SET_DUMPABLE: 4,
  SET_KEEPCAPS: 8,
  SET_NAME: 15,
  CAPBSET_DROP: 24,
  SET_SECUREBITS: 28,
  SET_NO_NEW_PRIVS: 38,
  CAP_AMBIENT: 47,
});
export const PR_CAP_AMBIENT = family('PR_CAP_AMBIENT_', { RAISE: 2, CLEAR_ALL: 4 });

export const SIG = family('SIG', { HUP: 1, INT: 2, QUIT: 3, KILL: 9, PIPE: 13, TERM: 15, CHLD: 17 });
export const SIG_SET = family('SIG_', { BLOCK: 0, UNBLOCK: 1, SETMASK: 2 });

export const CLOSE_RANGE = family('CLOSE_RANGE_', { UNSHARE: 2, CLOEXEC: 4 });
export const F = family('F_', { DUPFD: 0, GETFD: 1, SETFD: 2, DUPFD_CLOEXEC: 1030, ADD_SEALS: 1033 });
export const MFD = family('MFD_', { CLOEXEC: 1, ALLOW_SEALING: 2, EXEC: 16 });
export const F_SEAL = family('F_SEAL_', { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8 });

/** flock(2). */
export const LOCK = family('LOCK_', { EX: 2, NB: 4 });
export const MSG = family('MSG_', { PEEK: 2, DONTWAIT: 0x40, NOSIGNAL: 0x4000 });
export const AF = family('AF_', { UNIX: 1, INET: 2, NETLINK: 16 });
export const SOCK = family('SOCK_', { STREAM: 1, DGRAM: 2, RAW: 3, CLOEXEC: 0o2000000 });

/** ioctl(2) requests: asm-generic/ioctls.h, the same on both architectures; linux/sockios.h. */
export const IOCTL = family('', {
  TCSETS: 0x5402,
  TIOCSCTTY: 0x540e,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCGPTPEER: 0x5441,
  TIOCSPTLCK: 0x40045431,
  RNDADDENTROPY: 0x40085203,
  RNDRESEEDCRNG: 0x5207,
  SIOCGIFFLAGS: 0x8913,
  SIOCADDRT: 0x890b,
  SIOCSIFFLAGS: 0x8914,
  SIOCSIFADDR: 0x8916,
  SIOCSIFNETMASK: 0x891c,
  SIOCGIFINDEX: 0x8933,
});

/** clock_gettime(2). */
export const CLOCK = family('CLOCK_', { REALTIME: 0 });

/** termios(3), `c_cflag`: the control modes of a serial line. */
export const TERMIOS = family('', { CS8: 0o60, CREAD: 0o200, CLOCAL: 0o4000, B115200: 0o10002 });

export const SECCOMP = family('SECCOMP_', { SET_MODE_FILTER: 1 });
export const KEYCTL = family('KEYCTL_', { JOIN_SESSION_KEYRING: 1 });
export const BPF = family('BPF_', { PROG_LOAD: 5, PROG_ATTACH: 8 });
export const IOPRIO_WHO = family('IOPRIO_WHO_', { PROCESS: 1 });
