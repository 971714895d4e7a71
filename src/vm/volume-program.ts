/**
 * Directories and files of the host for a guest: one virtiofsd for all of them. The launch program puts each where the server
 * finds it, in a mount namespace of its own, and then becomes the server. Pure.
 *
 *     a tmpfs that is the root of what is shared
 *     ├── 0    /srv/data, and what is mounted on it
 *     └── 1    /etc/hosts, a file, read-only
 *
 * So a volume may be a file, what is read-only is so whatever the guest's kernel tries, and the server sees nothing else.
 */
import { TareError } from '../errors.ts';
import { syncFd } from '../launch/bootstrap.ts';
import { mapToRoot } from '../launch/id-maps.ts';
import { cell, data, type Program, ProgramBuilder, strings } from '../launch/program.ts';
import { assembleFilter } from '../linux/bpf-seccomp.ts';
import { attach, cloneTree, octal, setAttributes } from '../launch/stage.ts';
import {
  AF,
  AT_FDCWD,
  CLONE,
  CLOSE_RANGE,
  flags,
  MOUNT_ATTR,
  MS,
  named,
  O,
  PR,
  SECCOMP,
  SIG,
  SIG_SET,
  SOCK,
} from '../linux/flags.ts';

export interface Volume {
  /** Absolute path on the host. */
  readonly source: string;
  readonly kind: 'directory' | 'file';
  readonly readOnly: boolean;
  /** Leave out what is mounted on it; in a user namespace the kernel refuses to, lest it shows what lies below. */
  readonly alone?: boolean;
}

export interface VolumeServer {
  /** virtiofsd. */
  readonly program: string;
  /** An empty directory, covered in the server's mount namespace only. */
  readonly directory: string;
  /** Where QEMU will connect; 107 bytes at most. */
  readonly socket: string;
  readonly volumes: readonly Volume[];
  /** Of an ordinary user, who becomes root of a user namespace: the server needs to be root of something. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** What the guest mounts. */
export const volumesTag = 'volumes';

/** The server's standard streams, and the socket it listens at. */
const serverStreams = 3;
const listenFd = 9;

/** `sun_path` of unix(7), with its closing zero. */
const pathSize = 108;

/** @throws TareError where the socket's path is too long */
export function serverProgram(server: VolumeServer): Program {
  const { program, directory, socket, volumes, owner } = server;
  const b = new ProgramBuilder().stage('volumes');
  b.op('end when tare ends', 'prctl', [flags(PR, 'SET_PDEATHSIG'), flags(SIG, 'KILL'), 0, 0, 0]);
  if (owner !== undefined) mapToRoot(b, owner.uid, owner.gid);
  const listening = listen(b, socket);
  b.op('have mounts, a network and IPC of its own', 'unshare', [flags(CLONE, 'NEWNS', 'NEWNET', 'NEWIPC')]);
  b.op('keep its mounts from the host', 'mount', [0, '/', 0, flags(MS, 'REC', 'PRIVATE'), 0]);
  b.op('make the root of what is shared', 'mount', [
    'tmpfs',
    directory,
    'tmpfs',
    flags(MS, 'NODEV', 'NOSUID'),
    'mode=0755',
  ]);
  volumes.forEach((volume, index) => place(b, `${directory}/${index}`, volume));
  b.op('let no other file reach the server', 'close_range', [serverStreams, 0xffffffff, flags(CLOSE_RANGE, 'CLOEXEC')]);
  b.op('hand it its socket', 'dup3', [listening, listenFd, 0]);
  b.op('let signals in', 'rt_sigprocmask', [flags(SIG_SET, 'SETMASK'), data('{}', [{ u64: 0 }]), 0, 8]);
  if (owner !== undefined) keepGroups(b);
  b.op('become the server', 'execve', [program, strings([program, ...serverOptions(directory)]), strings([])]);
  return { ops: b.ops, report: cell('sync', syncFd(serverStreams)) };
}

const [allow, succeed] = [0x7fff0000, 0x00050000];
const x64 = { arch: 0xc000003e, setgroups: 116 };

/**
 * virtiofsd 7.2 begins with setgroups(2), which would only take rights away, and which the kernel refuses where a user has
 * mapped nothing but himself: user_namespaces(7). So it is told that it was done. A filter's errno of 0 is success.
 */
function keepGroups(b: ProgramBuilder): void {
  const calls = new Map([[x64.setgroups, [{ action: succeed, comparisons: [] }]]]);
  const filter = assembleFilter([{ arch: x64.arch, narrow: false, calls, ranges: [] }], allow, allow);
  const count = filter.length / 8;
  const code = data(`{${count} instructions}`, [{ bytes: filter }]);
  const program = data(`{len: ${count}, filter}`, [{ u16: count }, { bytes: new Uint8Array(6) }, { address: code }]);
  b.op('let it keep its groups, for it cannot change them', 'seccomp', [flags(SECCOMP, 'SET_MODE_FILTER'), 0, program]);
}

function serverOptions(directory: string): string[] {
  // Files of two filesystems may have the same number: the guest tells them apart where it knows of both filesystems.
  const options = [
    `source=${directory}`,
    'sandbox=namespace',
    'cache=auto',
    'announce_submounts',
    'xattr',
    'log_level=warn',
  ];
  return [`--fd=${listenFd}`, '--rlimit-nofile=0', '-f', '-o', options.join(',')];
}

/** Before there is a server: whoever connects early waits in the queue, and nobody has to look for the socket again and again. */
function listen(b: ProgramBuilder, path: string) {
  const socket = b.result('socket', 'make a socket for QEMU', 'socket', [
    flags(AF, 'UNIX'),
    flags(SOCK, 'STREAM', 'CLOEXEC'),
    0,
  ]);
  if (Buffer.byteLength(path) >= pathSize) {
    throw new TareError(`make the socket ${path}`, { errno: 'ENAMETOOLONG', hint: `at most ${pathSize - 1} bytes` });
  }
  const bytes = Buffer.alloc(pathSize);
  bytes.write(path);
  const address = data(`{AF_UNIX, ${path}}`, [{ u16: 1 }, { bytes }]);
  b.op(`give it the name ${path}`, 'bind', [socket, address, 2 + pathSize]);
  b.op('let QEMU connect', 'listen', [socket, 1]);
  return socket;
}

function place(b: ProgramBuilder, target: string, { source, kind, readOnly, alone = false }: Volume): void {
  if (kind === 'directory') b.op(`make a place for ${source}`, 'mkdirat', [AT_FDCWD, target, octal(0o755)]);
  else b.op(`make a place for ${source}`, 'mknodat', [AT_FDCWD, target, named(0o100644, 'S_IFREG|0644'), 0]);
  const mount = cloneTree(b, `take ${source}${alone ? '' : ' and what is mounted on it'}`, source, !alone);
  if (readOnly)
    setAttributes(b, `make ${source} read-only`, mount, { set: flags(MOUNT_ATTR, 'RDONLY'), recursive: true });
  const place = b.result('target', `open the place for ${source}`, 'openat', [
    AT_FDCWD,
    target,
    flags(O, 'PATH', 'CLOEXEC'),
    0,
  ]);
  attach(b, `share ${source}`, mount, place);
}
