import { expect, test } from 'vitest';
import { compile } from '../../../src/launch/compile.ts';
import type { Facts } from '../../../src/launch/facts.ts';
import type { RunRequest } from '../../../src/spec/request.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { bareSpec, calls, compiled, difference, facts, specFor } from './examples.ts';

/** What a request changes about the default program. */
const asked = (request: Partial<RunRequest>, more: Partial<Facts> = {}): string =>
  difference(compiled(), compiled(specFor(request), more));

/** What facts change about it. */
const given = (more: Partial<Facts>): string => difference(compiled(), compiled(specFor(), more));

/** What a spec changes about next to nothing. */
const added = (change: (spec: Spec) => Spec, more: Partial<Facts> = {}): string => {
  const own: Partial<Facts> = { root: { kind: 'directory', path: '/srv/root' }, seccomp: undefined, ...more };
  return difference(compiled(bareSpec(), own), compiled(change(bareSpec()), own));
};

const process =
  (more: Partial<Spec['process']>) =>
  (spec: Spec): Spec => ({ ...spec, process: { ...spec.process, ...more } });

test('next to nothing: a root, an identity, an execve', () => {
  const program = compiled(bareSpec(), { root: { kind: 'directory', path: '/srv/root' }, seccomp: undefined });
  expect(calls(program).join('\n')).toMatchInlineSnapshot(`
    "close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
    umask(0)
    $root = openat(AT_FDCWD, "/srv/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)
    $cwd = openat2($root, ".", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)
    fchdir($root)
    chroot(".")
    fchdir($cwd)
    setsid()
    keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)  // or ENOSYS, EDQUOT
    setgroups(0, [])
    setresgid(0, 0, 0)
    setresuid(0, 0, 0)
    umask(022)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
    rt_sigaction(13, {SIG_DFL}, 0, 8)
    rt_sigaction(25, {SIG_DFL}, 0, 8)
    rt_sigprocmask(SIG_SETMASK, {}, 0, 8)
    execve("/bin/true", ["/bin/true"], [])"
  `);
});

test('what can only be born is asked of clone3', () => {
  const born = (spec: Spec) => {
    const { cloneFlags, newUser, forks } = compile(spec, facts);
    return [cloneFlags.text, newUser, forks];
  };
  const maps = { uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }] };
  expect(born(specFor())).toEqual(['CLONE_NEWPID', false, false]);
  expect(born(specFor({ namespaces: { pid: 'host' } }))).toEqual(['0', false, false]);
  expect(born(specFor({ ...maps, gidMappings: maps.uidMappings }))).toEqual([
    'CLONE_NEWUSER|CLONE_NEWPID',
    true,
    false,
  ]);
  expect(born(specFor({ namespaces: { pid: { path: '/proc/7/ns/pid' } } }))).toEqual(['0', false, true]);
});

test('who is to join namespaces of others does so before it makes users of its own, whom others owe nothing', () => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const later = (spec: Spec): Spec => ({
    ...spec,
    mounts: [],
    linux: {
      uidMappings: ids,
      gidMappings: ids,
      namespaces: [{ type: 'user' }, { type: 'pid' }, { type: 'mount' }, { type: 'network', path: '/proc/7/ns/net' }],
    },
  });
  expect(compile(later(bareSpec()), facts)).toMatchObject({ newUser: false, maps: true, forks: true });
  const early = calls(compiled(later(bareSpec()))).slice(0, 18);
  expect(early.join('\n')).toMatchInlineSnapshot(`
    "close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
    $network = openat(AT_FDCWD, "/proc/7/ns/net", O_RDONLY|O_CLOEXEC, 0)
    setns($network, CLONE_NEWNET)
    unshare(CLONE_NEWUSER)
    sendto($sync, {STOPPED: maps}, 16, MSG_NOSIGNAL, 0, 0)
    read($sync, {byte}, 1)
    setgroups(0, 0)
    setresgid(0, 0, 0)
    setresuid(0, 0, 0)
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    unshare(CLONE_NEWPID)
    clone3({flags: CLONE_PARENT|CLONE_PIDFD|CLONE_PARENT_SETTID, parent_tid: &$successor}, 88)  // or none: skip 2
    sendmsg($sync, {STOPPED: pidfd, SCM_RIGHTS: $child}, MSG_NOSIGNAL)
    exit_group(0)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN"
  `);
});

test('every call has a stage and a reason, lower case and without a full stop', () => {
  for (const { why, stage } of compiled(specFor({ terminal: true, init: true })).ops) {
    expect(stage).not.toBe('');
    expect(why).toMatch(/^(?!.*\.$)([a-z]|System V)/);
  }
});

test('both architectures make the same calls', () => {
  expect(given({ arch: 'arm64' })).toBe('');
});

test('a namespace of the host is neither made nor joined', () => {
  expect(asked({ namespaces: { ipc: 'host' } })).toMatchInlineSnapshot(`
    "- unshare(CLONE_NEWIPC)
    - $target = openat2($root, "dev/shm", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    - fsconfig($fs, FSCONFIG_SET_STRING, "source", "shm", 0)
    - fsconfig($fs, FSCONFIG_SET_STRING, "mode", "1777", 0)
    - fsconfig($fs, FSCONFIG_SET_STRING, "size", "67108864", 0)
    - $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV)
    - $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)
    - fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)
    + $mount = open_tree(AT_FDCWD, "/dev/shm", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
    + $target = openat2($root, "dev/shm", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mount_setattr($mount, "", AT_EMPTY_PATH, {attr_set: MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV, attr_clr: 0}, 32)
    + mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {propagation: MS_PRIVATE}, 32)"
  `);
});

test('a joined network is configured already', () => {
  expect(asked({ namespaces: { network: { path: '/proc/7/ns/net' } } })).toMatchInlineSnapshot(`
    "- unshare(CLONE_NEWNET)
    - $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)
    - ioctl($socket, SIOCSIFFLAGS, {ifr_name: "lo", ifr_flags: IFF_UP|IFF_RUNNING})
    - close($socket)
    - $file = openat2($mount, "sys/net/ipv4/ip_unprivileged_port_start", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
    - write($file, "0", 1)
    - close($file)
    - $file = openat2($mount, "sys/net/ipv4/ping_group_range", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
    - write($file, "0 2147483647", 12)
    - close($file)
    + $network = openat(AT_FDCWD, "/proc/7/ns/net", O_RDONLY|O_CLOEXEC, 0)
    + setns($network, CLONE_NEWNET)"
  `);
});

test('a joined pid namespace needs another process, who tells the parent of itself', () => {
  expect(asked({ namespaces: { pid: { path: '/proc/7/ns/pid' } } })).toMatchInlineSnapshot(`
    "+ $pid = openat(AT_FDCWD, "/proc/7/ns/pid", O_RDONLY|O_CLOEXEC, 0)
    + setns($pid, CLONE_NEWPID)
    + clone3({flags: CLONE_PARENT|CLONE_PIDFD|CLONE_PARENT_SETTID, parent_tid: &$successor}, 88)  // or none: skip 2
    + sendmsg($sync, {STOPPED: pidfd, SCM_RIGHTS: $child}, MSG_NOSIGNAL)
    + exit_group(0)
    + prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    + recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN"
  `);
});

test('in a joined mount namespace nothing is mounted', () => {
  const linux = { namespaces: [{ type: 'mount' as const, path: '/proc/7/ns/mnt' }] };
  expect(added((spec) => ({ ...spec, linux }))).toMatchInlineSnapshot(`
    "- umask(0)
    - $root = openat(AT_FDCWD, "/srv/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)
    - $cwd = openat2($root, ".", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)
    - fchdir($root)
    - chroot(".")
    - fchdir($cwd)
    + $mount = openat(AT_FDCWD, "/proc/7/ns/mnt", O_RDONLY|O_CLOEXEC, 0)
    + setns($mount, CLONE_NEWNS)
    + chdir("/")"
  `);
});

test('clocks are set apart before anybody lives by them', () => {
  expect(asked({ timeOffsets: { monotonic: 60, boottime: -5 } })).toMatchInlineSnapshot(`
    "+ unshare(CLONE_NEWTIME)
    + $file = openat(AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY|O_CLOEXEC, 0)
    + write($file, "monotonic 60 0\\nboottime -5 0\\n", 29)
    + $time = openat(AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY|O_CLOEXEC, 0)
    + setns($time, CLONE_NEWTIME)
    + close($file)"
  `);
});

test("a new user namespace waits for its id maps, then becomes its root; devices are the host's", () => {
  const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const program = compiled(specFor({ uidMappings: maps, gidMappings: maps }));
  expect(calls(program).slice(0, 12).join('\n')).toMatchInlineSnapshot(`
    "close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
    sendto($sync, {STOPPED: maps}, 16, MSG_NOSIGNAL, 0, 0)
    read($sync, {byte}, 1)
    setgroups(0, 0)
    setresgid(0, 0, 0)
    setresuid(0, 0, 0)
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    unshare(CLONE_NEWNS)
    unshare(CLONE_NEWUTS)
    unshare(CLONE_NEWIPC)"
  `);
  expect(calls(program).filter((call) => call.startsWith('mknodat') && call.includes('S_IFCHR'))).toEqual([]);
});

test('where setgroups is forbidden, groups stay as they are', () => {
  expect(given({ setgroups: false })).toMatchInlineSnapshot(`"- setgroups(0, [])"`);
});

test('a read-only root is one call more', () => {
  expect(asked({ readOnly: true })).toMatchInlineSnapshot(
    `"+ mount_setattr($root, "", AT_EMPTY_PATH, {attr_set: MOUNT_ATTR_RDONLY}, 32)"`,
  );
});

test('a directory becomes the root by being mounted onto itself', () => {
  expect(given({ root: { kind: 'directory', path: '/srv/root' } })).toMatchInlineSnapshot(`
    "- mount("tmpfs", "/run/tare", "tmpfs", MS_NODEV, "mode=0700")
    - mkdirat(AT_FDCWD, "/run/tare/upper", 0755)
    - mkdirat(AT_FDCWD, "/run/tare/work", 0700)
    - mkdirat(AT_FDCWD, "/run/tare/root", 0755)
    - mount("overlay", "/run/tare/root", "overlay", 0, "lowerdir=/var/lib/tare/busybox,upperdir=/run/tare/upper,workdir=/run/tare/work")
    - $root = openat(AT_FDCWD, "/run/tare/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)
    + $mount = open_tree(AT_FDCWD, "/srv/root", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
    + move_mount($mount, "", AT_FDCWD, "/srv/root", MOVE_MOUNT_F_EMPTY_PATH)
    + $root = openat(AT_FDCWD, "/srv/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)"
  `);
});

test("an upper directory of the user's is kept; separators of overlayfs are escaped; in a user namespace it keeps notes of its own", () => {
  expect(given({ root: { kind: 'overlay', lower: ['/a:b', '/c,d'], upper: '/up' }, rootless: true }))
    .toMatchInlineSnapshot(`
    "- mkdirat(AT_FDCWD, "/run/tare/upper", 0755)
    - mkdirat(AT_FDCWD, "/run/tare/work", 0700)
    - mount("overlay", "/run/tare/root", "overlay", 0, "lowerdir=/var/lib/tare/busybox,upperdir=/run/tare/upper,workdir=/run/tare/work")
    - mknodat($target, "null", S_IFCHR|0666, makedev(1, 3))  // or EEXIST
    - mknodat($target, "zero", S_IFCHR|0666, makedev(1, 5))  // or EEXIST
    - mknodat($target, "full", S_IFCHR|0666, makedev(1, 7))  // or EEXIST
    - mknodat($target, "random", S_IFCHR|0666, makedev(1, 8))  // or EEXIST
    - mknodat($target, "urandom", S_IFCHR|0666, makedev(1, 9))  // or EEXIST
    - mknodat($target, "tty", S_IFCHR|0666, makedev(5, 0))  // or EEXIST
    + mount("overlay", "/run/tare/root", "overlay", 0, "lowerdir=/a\\\\:b:/c\\\\,d,upperdir=/up/upper,workdir=/up/work,userxattr")
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "null", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/null", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/zero", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "zero", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/zero", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/full", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "full", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/full", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/random", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "random", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/random", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/urandom", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "urandom", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/urandom", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/tty", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "tty", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "dev/tty", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)"
  `);
});

test('layers that do not fit into a page of mount data get short names', () => {
  const lower = Array.from({ length: 3 }, (_, index) => `/${String(index).repeat(1500)}`);
  const made = calls(compiled(specFor(), { root: { kind: 'overlay', lower } }));
  const overlay = made.findIndex((call) => call.startsWith('mount("overlay"'));
  expect(made.slice(overlay - 2, overlay + 1).map((call) => call.replace(/(\d)\1{9,}/, '$1…'))).toMatchInlineSnapshot(`
    [
      "symlinkat("/2…", AT_FDCWD, "/run/tare/2")",
      "chdir("/run/tare")",
      "mount("overlay", "/run/tare/root", "overlay", 0, "lowerdir=0:1:2,upperdir=/run/tare/upper,workdir=/run/tare/work")",
    ]
  `);
});

test('a bind mount of a directory and of a file', () => {
  const mounts = [
    { type: 'bind' as const, source: '/home', target: '/data', options: ['rbind', 'ro'] },
    { type: 'bind' as const, source: '/etc/hosts', target: '/etc/hosts', options: ['bind'] },
  ];
  expect(asked({ mounts }, { paths: new Map([...facts.paths, ['/etc/hosts', 'file']]) })).toMatchInlineSnapshot(`
    "+ $mount = open_tree(AT_FDCWD, "/home", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
    + mkdirat($root, "data", 0755)  // or EEXIST
    + $target = openat2($root, "data", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + mount_setattr($mount, "", AT_EMPTY_PATH, {attr_set: MOUNT_ATTR_RDONLY, attr_clr: 0}, 32)
    + mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {propagation: MS_PRIVATE}, 32)
    + $mount = open_tree(AT_FDCWD, "/etc/hosts", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
    + mkdirat($root, "etc", 0755)  // or EEXIST
    + $target = openat2($root, "etc", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "hosts", S_IFREG|0644, 0)  // or EEXIST
    + $target = openat2($root, "etc/hosts", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {propagation: MS_PRIVATE}, 32)"
  `);
});

test('a tmpfs with what the image has at its place', () => {
  expect(asked({ mounts: [{ type: 'tmpfs', target: '/var/cache', options: ['tmpcopyup'] }] })).toMatchInlineSnapshot(`
    "+ mkdirat($root, "var", 0755)  // or EEXIST
    + $target = openat2($root, "var", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mkdirat($target, "cache", 0755)  // or EEXIST
    + $target = openat2($root, "var/cache", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mkdirat(AT_FDCWD, "/run/tare/copy91", 0755)
    + $mount = fsmount($fs, FSMOUNT_CLOEXEC, 0)
    + move_mount($mount, "", AT_FDCWD, "/run/tare/copy91", MOVE_MOUNT_F_EMPTY_PATH)
    + mkdirat(AT_FDCWD, "/run/tare/copy91/lower", 0755)
    + mkdirat(AT_FDCWD, "/run/tare/copy91/upper", 0755)
    + mkdirat(AT_FDCWD, "/run/tare/copy91/work", 0755)
    + $mount = open_tree($target, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)
    + move_mount($mount, "", AT_FDCWD, "/run/tare/copy91/lower", MOVE_MOUNT_F_EMPTY_PATH)
    + statx($target, "", AT_EMPTY_PATH, STATX_BASIC_STATS, {statx})
    + fchownat(AT_FDCWD, "/run/tare/copy91/upper", $uid, $gid, 0)  // or EINVAL
    + fchmodat(AT_FDCWD, "/run/tare/copy91/upper", $mode)
    + $fs = fsopen("overlay", FSOPEN_CLOEXEC)
    + fsconfig($fs, FSCONFIG_SET_STRING, "lowerdir", "/run/tare/copy91/lower", 0)
    + fsconfig($fs, FSCONFIG_SET_STRING, "upperdir", "/run/tare/copy91/upper", 0)
    + fsconfig($fs, FSCONFIG_SET_STRING, "workdir", "/run/tare/copy91/work", 0)
    + $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)
    + $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)
    + fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)"
  `);
});

test('a path of unknown kind is hidden as a directory, or else as a file', () => {
  const linux = { maskedPaths: ['/secret'], namespaces: [{ type: 'mount' as const }] };
  const mask = added((spec) => ({ ...spec, linux }))
    .split('\n')
    .filter((call) => /secret|found|null|hiding/.test(call));
  expect(mask).toMatchInlineSnapshot(`
    [
      "+ mknodat($target, "null", S_IFCHR|0666, makedev(1, 3))  // or EEXIST",
      "+ $found = openat2($root, "secret", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5",
      "+ move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)",
      "+ $found = openat2($root, "secret", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2",
      "+ $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)",
      "+ move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)  // or EINVAL",
    ]
  `);
});

test('a path that is known to be a file or a directory is hidden as that', () => {
  const count = (kind: 'file' | 'directory') => {
    const linux = { maskedPaths: ['/secret'], namespaces: [{ type: 'mount' as const }] };
    const program = compiled(
      { ...bareSpec(), linux },
      { root: { kind: 'directory', path: '/r' }, paths: new Map([['/secret', kind]]) },
    );
    return program.ops.filter(({ stage }) => stage === 'seal').map(({ call }) => call);
  };
  expect(count('file')).toEqual(['openat2', 'open_tree', 'move_mount']);
  expect(count('directory')).toEqual(['openat2', 'fsopen', 'fsconfig', 'fsconfig', 'fsmount', 'move_mount']);
});

test('a terminal is made inside, handed out, and becomes the standard streams', () => {
  expect(difference(compiled(), compiled(process({ terminal: true })(specFor())))).toMatchInlineSnapshot(`
    "+ $master = openat($mount, "ptmx", O_RDWR|O_NOCTTY|O_CLOEXEC, 0)
    + ioctl($master, TIOCSPTLCK, {0})
    + $slave = ioctl($master, TIOCGPTPEER, O_RDWR|O_NOCTTY|O_CLOEXEC)
    + mkdirat($root, "dev", 0755)  // or EEXIST
    + $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mknodat($target, "console", S_IFREG|0644, 0)  // or EEXIST
    + $mount = open_tree($slave, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)
    + $target = openat2($root, "dev/console", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
    + sendmsg($sync, {STOPPED: terminal, SCM_RIGHTS: $master}, MSG_NOSIGNAL)
    + ioctl($slave, TIOCSCTTY, 0)
    + dup3($slave, 0, 0)
    + dup3($slave, 1, 0)
    + dup3($slave, 2, 0)"
  `);
});

test('sysctls go through the proc that was just mounted', () => {
  expect(asked({ sysctl: { 'kernel.msgmax': '9000' } })).toMatchInlineSnapshot(`
    "+ $file = openat2($mount, "sys/kernel/msgmax", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
    + write($file, "9000", 4)
    + close($file)"
  `);
  expect(() => added((spec) => ({ ...spec, linux: { sysctl: { 'kernel.msgmax': '9000' } } }))).toThrow(
    'set kernel.msgmax (hint: the spec has no proc mount to set it through)',
  );
});

test('a root with mounts needs a mount namespace', () => {
  const mounts = [{ destination: '/proc', type: 'proc' }];
  expect(() => added((spec) => ({ ...spec, mounts }))).toThrow(
    "build a root with mounts in the host's mount namespace",
  );
  expect(() => added((spec) => spec, { root: { kind: 'overlay', lower: ['/l'] } })).toThrow('mount namespace');
});

test('the working directory is made below the root, and entered by what was opened there', () => {
  expect(asked({ cwd: '/srv/app' })).toMatchInlineSnapshot(`
    "- $cwd = openat2($root, ".", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)
    + mkdirat($root, "srv", 0755)  // or EEXIST
    + $target = openat2($root, "srv", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
    + mkdirat($target, "app", 0755)  // or EEXIST
    + $cwd = openat2($root, "srv/app", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)"
  `);
});

test('another user keeps capabilities across the change, and has those that were granted after it', () => {
  const capabilities = {
    bounding: ['CAP_KILL'],
    permitted: ['CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL'],
  };
  const user = { uid: 1000, gid: 100, additionalGids: [4, 24], umask: 0o77 };
  const change = added(process({ user, capabilities })).split('\n');
  expect(change.filter((call) => !call.includes('CAPBSET_DROP'))).toMatchInlineSnapshot(`
    [
      "- setgroups(0, [])",
      "- setresgid(0, 0, 0)",
      "- setresuid(0, 0, 0)",
      "- umask(022)",
      "+ prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)",
      "+ setgroups(2, [4, 24])",
      "+ setresgid(100, 100, 100)",
      "+ setresuid(1000, 1000, 1000)",
      "+ prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0)",
      "+ umask(077)",
      "+ capset({version: 3, pid: 0}, {effective: 0x0, permitted: 0x20, inheritable: 0x20})",
      "+ prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)",
      "+ prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)",
    ]
  `);
  expect(change.filter((call) => call.includes('CAPBSET_DROP'))).toHaveLength(40);
});

test('limits, priorities and a personality', () => {
  const change = process({
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 2 ** 64 }],
    oomScoreAdj: 500,
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
    scheduler: { policy: 'SCHED_BATCH', nice: 5 },
  });
  expect(added((spec) => ({ ...change(spec), linux: { personality: { domain: 'LINUX32' } } }))).toMatchInlineSnapshot(`
    "+ $file = openat(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY|O_CLOEXEC, 0)
    + write($file, "500", 3)
    + close($file)
    + ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_BE:4)
    + sched_setattr(0, {sched_policy: SCHED_BATCH}, 0)
    + personality(PER_LINUX32)
    + prlimit64(0, RLIMIT_NOFILE, {soft: 1024, hard: unlimited}, 0)"
  `);
});

test('labels are written while proc is at hand', () => {
  expect(asked({ apparmor: 'tare-default', selinux: 'u:r:t:s0' })).toMatchInlineSnapshot(`
    "+ $file = openat2($mount, "self/attr/apparmor/exec", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
    + write($file, "exec tare-default", 17)
    + close($file)
    + $file = openat2($mount, "self/attr/exec", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
    + write($file, "u:r:t:s0", 8)
    + close($file)"
  `);
});

/** Where a system call stands in a program. */
const place = (spec: Spec, call: string, more: Partial<Facts> = {}): number =>
  compiled(spec, more).ops.findLastIndex((op) => op.call === call);

test('the filter is loaded by who still may: before the change of user, or last of all with no-new-privileges', () => {
  const [early, late] = [specFor(), specFor({ noNewPrivileges: true })];
  expect(place(early, 'seccomp')).toBeLessThan(place(early, 'setresuid'));
  expect(place(late, 'seccomp')).toBeGreaterThan(place(late, 'capset'));
  expect(place(specFor(), 'seccomp', { seccomp: undefined })).toBe(-1);
});

test('a filter that asks a listener hands it over', () => {
  expect(given({ seccomp: { bpf: new Uint8Array(24), flags: 8, notify: true } })).toMatchInlineSnapshot(`
    "- seccomp(SECCOMP_SET_MODE_FILTER, 0, {len: 3, filter})
    + $listener = seccomp(SECCOMP_SET_MODE_FILTER, 0x8, {len: 3, filter})
    + sendmsg($sync, {STOPPED: seccomp, SCM_RIGHTS: $listener}, MSG_NOSIGNAL)
    + close($listener)"
  `);
});

test('a created container reports, and waits', () => {
  expect(given({ waitForStart: true })).toMatchInlineSnapshot(`
    "+ sendto($sync, {STOPPED: start}, 16, MSG_NOSIGNAL, 0, 0)
    + read($sync, {byte}, 1)"
  `);
});

test('pid 1 stays behind and reaps', () => {
  expect(given({ init: true })).toMatchInlineSnapshot(`
    "+ prctl(PR_SET_NAME, "tare-init", 0, 0, 0)
    + clone(CLONE_PARENT_SETTID|SIGCHLD, 0, &$payload, 0, 0)  // or none: skip 2
    + close_range(3, 4294967295, 0)
    + halt()"
  `);
  expect(compiled(specFor(), { init: true }).child?.name).toBe('payload');
});

test('a container that outlives its parent does not ask after it', () => {
  expect(given({ dieWithParent: false })).toMatchInlineSnapshot(`
    "- prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    - recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
    - prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    - recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN"
  `);
});

test('a command is looked up as a shell would; one with a slash is not', () => {
  const env = ['PATH=/bin::/opt/bin'];
  const execs = (args: string[]) =>
    calls(compiled(process({ args, env })(bareSpec()), { root: { kind: 'directory', path: '/r' } })).filter((call) =>
      call.startsWith('execve'),
    );
  expect(execs(['ls', '-l'])).toMatchInlineSnapshot(`
    [
      "execve("/bin/ls", ["ls","-l"], ["PATH=/bin::/opt/bin"])  // or ENOENT, ENOTDIR, EACCES",
      "execve("./ls", ["ls","-l"], ["PATH=/bin::/opt/bin"])  // or ENOENT, ENOTDIR, EACCES",
      "execve("/opt/bin/ls", ["ls","-l"], ["PATH=/bin::/opt/bin"])",
    ]
  `);
  expect(execs(['./ls'])).toMatchInlineSnapshot(`
    [
      "execve("./ls", ["./ls"], ["PATH=/bin::/opt/bin"])",
    ]
  `);
});

test('groups of cgroup v1 are moved to before anything else is made', () => {
  const v1Groups = new Map([
    [5, '/sys/fs/cgroup/memory/tare/web'],
    [6, '/sys/fs/cgroup/pids/tare/web'],
  ]);
  expect(given({ v1Groups })).toMatchInlineSnapshot(`
    "+ write(5, "0", 1)
    + write(6, "0", 1)
    + close_range(5, 6, 0)"
  `);
  expect(calls(compiled(specFor(), { v1Groups }))[3]).toContain('write');
});
