import { expect, test } from 'vitest';
import { explain } from '../../../src/launch/explain.ts';
import { serverProgram } from '../../../src/vm/volume-program.ts';

const server = {
  program: '/usr/lib/qemu/virtiofsd',
  directory: '/run/tare/vm-1/volumes',
  socket: '/run/tare/vm-1/volumes.sock',
  volumes: [
    { source: '/srv/data', kind: 'directory', readOnly: false },
    { source: '/etc/hosts', kind: 'file', readOnly: true },
  ],
} as const;

test('the server of volumes shares what it was given and nothing else, read-only by the mount', () => {
  expect(explain(serverProgram(server))).toMatchInlineSnapshot(`
    "volumes
       0  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)                         end when tare ends
       1  $socket = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)            make a socket for QEMU
       2  bind($socket, {AF_UNIX, /run/tare/vm-1/volumes.sock}, 110)        give it the name /run/tare/vm-1/volumes.sock
       3  listen($socket, 1)                                                let QEMU connect
       4  unshare(CLONE_NEWNS|CLONE_NEWNET|CLONE_NEWIPC)                    have mounts, a network and IPC of its own
       5  mount(0, "/", 0, MS_REC|MS_PRIVATE, 0)                            keep its mounts from the host
       6  mount("tmpfs", "/run/tare/vm-1/volumes", "tmpfs", MS_NODEV|MS_NOSUID, "mode=0755")
                                                                            make the root of what is shared
       7  mkdirat(AT_FDCWD, "/run/tare/vm-1/volumes/0", 0755)               make a place for /srv/data
       8  $mount = open_tree(AT_FDCWD, "/srv/data", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
                                                                            take /srv/data and what is mounted on it
       9  $target = openat(AT_FDCWD, "/run/tare/vm-1/volumes/0", O_PATH|O_CLOEXEC, 0)
                                                                            open the place for /srv/data
      10  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            share /srv/data
      11  mknodat(AT_FDCWD, "/run/tare/vm-1/volumes/1", S_IFREG|0644, 0)    make a place for /etc/hosts
      12  $mount = open_tree(AT_FDCWD, "/etc/hosts", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
                                                                            take /etc/hosts and what is mounted on it
      13  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /etc/hosts read-only
      14  $target = openat(AT_FDCWD, "/run/tare/vm-1/volumes/1", O_PATH|O_CLOEXEC, 0)
                                                                            open the place for /etc/hosts
      15  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            share /etc/hosts
      16  close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)                   let no other file reach the server
      17  dup3($socket, 9, 0)                                               hand it its socket
      18  rt_sigprocmask(SIG_SETMASK, {}, 0, 8)                             let signals in
      19  execve("/usr/lib/qemu/virtiofsd", ["/usr/lib/qemu/virtiofsd","--fd=9","--rlimit-nofile=0","-f","-o","source=/run/tare/vm-1/volumes,sandbox=namespace,cache=auto,announce_submounts,xattr,log_level=warn"], [])
                                                                            become the server
    "
  `);
});

test('an ordinary user first becomes root of a user namespace', () => {
  const program = serverProgram({ ...server, owner: { uid: 1000, gid: 1000 } });
  const reasons = program.ops.map(({ why }) => why);
  expect(reasons).toContain('map our own id');
  expect(reasons.at(-2)).toBe('let it keep its groups, for it cannot change them');
  expect(reasons.indexOf('map our own id')).toBeLessThan(reasons.indexOf('have mounts, a network and IPC of its own'));
});

test('a name that no socket can have is refused before anything is started', () => {
  const socket = `/${'a'.repeat(107)}`;
  expect(() => serverProgram({ ...server, socket })).toThrow(
    `make the socket ${socket}: ENAMETOOLONG (hint: at most 107 bytes)`,
  );
});
