/** From {op, errno} to the error that names the step. Pure. */
import { TareError } from '../errors.ts';
import { type Errno, errnoName } from '../linux/abi.ts';
import type { Op, Program } from './program.ts';

const foreign = 'the directory belongs to somebody who has no id in this user namespace: make the place in the image';

/** What an errno usually means of a call, whoever makes it. An op's own hints come first. */
const usual: Partial<Record<Op['call'], Partial<Record<Errno, string>>>> = {
  unshare: {
    EPERM: 'needs CAP_SYS_ADMIN or a user namespace; run tare doctor',
    ENOSPC: 'the limit on namespaces is reached: see /proc/sys/user/max_*_namespaces',
  },
  mount: {
    EPERM: 'needs CAP_SYS_ADMIN over the mount namespace',
    EBUSY: 'something else holds it: is the upper directory in use by another container',
    ENODEV: 'this kernel does not know the filesystem',
    ENOSPC: 'a layer that takes writes is full, or there are too many mounts: see /proc/sys/fs/mount-max',
  },
  fsopen: {
    ENODEV: 'this kernel does not know the filesystem',
    EPERM: 'the filesystem cannot be mounted in a user namespace',
  },
  fsmount: {
    EPERM:
      "a part of the host's own instance is hidden by other mounts; the kernel then refuses a new one in a user namespace",
  },
  fsconfig: {
    EINVAL: 'the filesystem does not take this option or value',
    EPERM: 'not allowed in this user namespace',
  },
  openat2: {
    ENOSYS: 'needs Linux 5.6 or later',
    ENOENT: 'no such path in the image',
    ELOOP: 'a symbolic link is not followed here',
    ENOTDIR: 'a part of the path is not a directory',
  },
  mount_setattr: {
    ENOSYS: 'needs Linux 5.12 or later',
    EPERM: 'a flag that the host has locked cannot be cleared in a user namespace',
  },
  pivot_root: { EINVAL: 'the current root is the initial ramfs, or a mount is shared' },
  setns: {
    EPERM: 'needs CAP_SYS_ADMIN in the namespace and in our own user namespace',
    EINVAL: 'the path is of another kind of namespace',
  },
  prlimit64: { EPERM: 'raising a hard limit needs CAP_SYS_RESOURCE' },
  write: { ENOSPC: 'the filesystem is full', EDQUOT: 'the quota is spent' },
  mkdirat: {
    ENOSPC: 'the filesystem is full',
    EROFS: 'the filesystem is read-only',
    EACCES: foreign,
    EOVERFLOW: foreign,
  },
  mknodat: {
    ENOSPC: 'the filesystem is full',
    EROFS: 'the filesystem is read-only',
    EACCES: foreign,
    EOVERFLOW: foreign,
  },
};

export function describeFailure(program: Program, index: number, error: number): TareError {
  const op = program.ops[index];
  if (op === undefined) return new TareError(`run op ${index} of a program that has ${program.ops.length}`);
  if (error === 0)
    return new TareError(`${op.why}: ${op.call} returned less than ${op.min ?? 0}`, {
      hint: op.short,
      ...(executes(op) ? { exitCode: 126 } : {}),
    });
  const errno = errnoName(error);
  const hint = op.hints?.[errno as Errno] ?? usual[op.call]?.[errno as Errno];
  return new TareError(op.why, { errno, hint, exitCode: executes(op) ? executeCode(errno) : 125 });
}

/** `faccessat` looks for what is to be executed later: launch/execute.ts. */
const executes = ({ call }: Op): boolean => call === 'execve' || call === 'faccessat';

/** As a shell has it: 127 not found, 126 found and not executable. */
function executeCode(errno: string): 126 | 127 {
  return errno === 'ENOENT' || errno === 'ENOTDIR' ? 127 : 126;
}
