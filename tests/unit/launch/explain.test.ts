import { expect, test } from 'vitest';
import { explain, explainCall } from '../../../src/launch/explain.ts';
import { cell, data, type Op } from '../../../src/launch/program.ts';
import { named } from '../../../src/linux/flags.ts';
import { compiled } from './examples.ts';

test('what `tare run busybox true` does, from the first call to the last', () => {
  expect(explain(compiled())).toMatchInlineSnapshot(`
    "guard
       0  close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)                   let no file of the runtime reach the payload
       1  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)                         end when the parent ends
       2  recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
                                                                            see that it has not ended already

    namespaces
       3  unshare(CLONE_NEWNS)                                              make a mount table of its own
       4  unshare(CLONE_NEWUTS)                                             make a host name of its own
       5  unshare(CLONE_NEWIPC)                                             make System V IPC and message queues of its own
       6  unshare(CLONE_NEWNET)                                             make a network stack of its own
       7  unshare(CLONE_NEWCGROUP)                                          make a view of the cgroup tree that begins at its own
       8  $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)             open a socket to configure the network
       9  ioctl($socket, SIOCSIFFLAGS, {ifr_name: "lo", ifr_flags: IFF_UP|IFF_RUNNING})
                                                                            bring the loopback interface up
      10  close($socket)                                                    close the socket
      11  sethostname("0123456789ab", 12)                                   set the host name

    root
      12  umask(0)                                                          give files exactly the modes we name
      13  mount(0, "/", 0, MS_REC|MS_SLAVE, 0)                              keep our mounts out of the host
      14  mount("tmpfs", "/run/tare", "tmpfs", MS_NODEV, "mode=0700")       make room for what the container writes
      15  mkdirat(AT_FDCWD, "/run/tare/upper", 0755)                        make the layer that takes the writes
      16  mkdirat(AT_FDCWD, "/run/tare/work", 0700)                         make the directory overlayfs works in
      17  mkdirat(AT_FDCWD, "/run/tare/root", 0755)                         make the place where the layers come together
      18  mount("overlay", "/run/tare/root", "overlay", 0, "lowerdir=/var/lib/tare/busybox,upperdir=/run/tare/upper,workdir=/run/tare/work")
                                                                            put the image under a writable layer
      19  $root = openat(AT_FDCWD, "/run/tare/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)
                                                                            open the root

    mounts
      20  mkdirat($root, "proc", 0755)  // or EEXIST                        make directory /proc
      21  $target = openat2($root, "proc", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_SYMLINKS}, 24)
                                                                            open /proc to mount onto
      22  $fs = fsopen("proc", FSOPEN_CLOEXEC)                              open a new proc for /proc
      23  fsconfig($fs, FSCONFIG_SET_STRING, "source", "proc", 0)           set source=proc for /proc
      24  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the proc for /proc
      25  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV)
                                                                            make a mount of the proc for /proc
      26  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount proc on /proc
      27  mkdirat($root, "dev", 0755)  // or EEXIST                         make directory /dev
      28  $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /dev to mount onto
      29  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for /dev
      30  fsconfig($fs, FSCONFIG_SET_STRING, "source", "tmpfs", 0)          set source=tmpfs for /dev
      31  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "755", 0)              set mode=755 for /dev
      32  fsconfig($fs, FSCONFIG_SET_STRING, "size", "65536k", 0)           set size=65536k for /dev
      33  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for /dev
      34  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_STRICTATIME)
                                                                            make a mount of the tmpfs for /dev
      35  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount tmpfs on /dev
      36  mkdirat($root, "dev", 0755)  // or EEXIST                         make directory /dev
      37  $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            make /dev/pts: open its parent
      38  mkdirat($target, "pts", 0755)  // or EEXIST                       make directory /dev/pts
      39  $target = openat2($root, "dev/pts", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /dev/pts to mount onto
      40  $fs = fsopen("devpts", FSOPEN_CLOEXEC)                            open a new devpts for /dev/pts
      41  fsconfig($fs, FSCONFIG_SET_STRING, "source", "devpts", 0)         set source=devpts for /dev/pts
      42  fsconfig($fs, FSCONFIG_SET_FLAG, "newinstance", 0, 0)             set newinstance for /dev/pts
      43  fsconfig($fs, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0)         set ptmxmode=0666 for /dev/pts
      44  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "0620", 0)             set mode=0620 for /dev/pts
      45  fsconfig($fs, FSCONFIG_SET_STRING, "gid", "5", 0)                 set gid=5 for /dev/pts
      46  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the devpts for /dev/pts
      47  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the devpts for /dev/pts
      48  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount devpts on /dev/pts
      49  mkdirat($root, "sys", 0755)  // or EEXIST                         make directory /sys
      50  $target = openat2($root, "sys", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_SYMLINKS}, 24)
                                                                            open /sys to mount onto
      51  $fs = fsopen("sysfs", FSOPEN_CLOEXEC)                             open a new sysfs for /sys
      52  fsconfig($fs, FSCONFIG_SET_STRING, "source", "sysfs", 0)          set source=sysfs for /sys
      53  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the sysfs for /sys
      54  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV|MOUNT_ATTR_RDONLY)
                                                                            make a mount of the sysfs for /sys
      55  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount sysfs on /sys
      56  mkdirat($root, "sys", 0755)  // or EEXIST                         make directory /sys
      57  $target = openat2($root, "sys", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            make /sys/fs: open its parent
      58  mkdirat($target, "fs", 0755)  // or EEXIST                        make directory /sys/fs
      59  $target = openat2($root, "sys/fs", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            make /sys/fs/cgroup: open its parent
      60  mkdirat($target, "cgroup", 0755)  // or EEXIST                    make directory /sys/fs/cgroup
      61  $target = openat2($root, "sys/fs/cgroup", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /sys/fs/cgroup to mount onto
      62  $fs = fsopen("cgroup2", FSOPEN_CLOEXEC)                           open a new cgroup2 for /sys/fs/cgroup
      63  fsconfig($fs, FSCONFIG_SET_STRING, "source", "cgroup", 0)         set source=cgroup for /sys/fs/cgroup
      64  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the cgroup2 for /sys/fs/cgroup
      65  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV)
                                                                            make a mount of the cgroup2 for /sys/fs/cgroup
      66  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount cgroup2 on /sys/fs/cgroup
      67  mkdirat($root, "dev", 0755)  // or EEXIST                         make directory /dev
      68  $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            make /dev/mqueue: open its parent
      69  mkdirat($target, "mqueue", 0755)  // or EEXIST                    make directory /dev/mqueue
      70  $target = openat2($root, "dev/mqueue", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /dev/mqueue to mount onto
      71  $fs = fsopen("mqueue", FSOPEN_CLOEXEC)                            open a new mqueue for /dev/mqueue
      72  fsconfig($fs, FSCONFIG_SET_STRING, "source", "mqueue", 0)         set source=mqueue for /dev/mqueue
      73  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the mqueue for /dev/mqueue
      74  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV)
                                                                            make a mount of the mqueue for /dev/mqueue
      75  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount mqueue on /dev/mqueue
      76  mkdirat($root, "dev", 0755)  // or EEXIST                         make directory /dev
      77  $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            make /dev/shm: open its parent
      78  mkdirat($target, "shm", 0755)  // or EEXIST                       make directory /dev/shm
      79  $target = openat2($root, "dev/shm", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /dev/shm to mount onto
      80  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for /dev/shm
      81  fsconfig($fs, FSCONFIG_SET_STRING, "source", "shm", 0)            set source=shm for /dev/shm
      82  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "1777", 0)             set mode=1777 for /dev/shm
      83  fsconfig($fs, FSCONFIG_SET_STRING, "size", "67108864", 0)         set size=67108864 for /dev/shm
      84  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for /dev/shm
      85  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOEXEC|MOUNT_ATTR_NODEV)
                                                                            make a mount of the tmpfs for /dev/shm
      86  move_mount($mount, "", $target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount tmpfs on /dev/shm

    devices
      87  mkdirat($root, "dev", 0755)  // or EEXIST                         make directory /dev
      88  $target = openat2($root, "dev", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT}, 24)
                                                                            open /dev
      89  mknodat($target, "null", S_IFCHR|0666, makedev(1, 3))  // or EEXIST
                                                                            make the device /dev/null
      90  mknodat($target, "zero", S_IFCHR|0666, makedev(1, 5))  // or EEXIST
                                                                            make the device /dev/zero
      91  mknodat($target, "full", S_IFCHR|0666, makedev(1, 7))  // or EEXIST
                                                                            make the device /dev/full
      92  mknodat($target, "random", S_IFCHR|0666, makedev(1, 8))  // or EEXIST
                                                                            make the device /dev/random
      93  mknodat($target, "urandom", S_IFCHR|0666, makedev(1, 9))  // or EEXIST
                                                                            make the device /dev/urandom
      94  mknodat($target, "tty", S_IFCHR|0666, makedev(5, 0))  // or EEXIST
                                                                            make the device /dev/tty
      95  symlinkat("/proc/self/fd", $target, "fd")  // or EEXIST           link /dev/fd to /proc/self/fd
      96  symlinkat("/proc/self/fd/0", $target, "stdin")  // or EEXIST      link /dev/stdin to /proc/self/fd/0
      97  symlinkat("/proc/self/fd/1", $target, "stdout")  // or EEXIST     link /dev/stdout to /proc/self/fd/1
      98  symlinkat("/proc/self/fd/2", $target, "stderr")  // or EEXIST     link /dev/stderr to /proc/self/fd/2
      99  symlinkat("pts/ptmx", $target, "ptmx")  // or EEXIST              link /dev/ptmx to pts/ptmx
     100  symlinkat("/proc/kcore", $target, "core")  // or EEXIST           link /dev/core to /proc/kcore
     101  $file = openat2($mount, "sys/net/ipv4/ip_unprivileged_port_start", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
                                                                            set net.ipv4.ip_unprivileged_port_start to 0: open sys/net/ipv4/ip_unprivileged_port_start
     102  write($file, "0", 1)                                              set net.ipv4.ip_unprivileged_port_start to 0
     103  close($file)                                                      set net.ipv4.ip_unprivileged_port_start to 0: close sys/net/ipv4/ip_unprivileged_port_start
     104  $file = openat2($mount, "sys/net/ipv4/ping_group_range", {flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
                                                                            set net.ipv4.ping_group_range to 0 2147483647: open sys/net/ipv4/ping_group_range
     105  write($file, "0 2147483647", 12)                                  set net.ipv4.ping_group_range to 0 2147483647
     106  close($file)                                                      set net.ipv4.ping_group_range to 0 2147483647: close sys/net/ipv4/ping_group_range

    seal
     107  $found = openat2($root, "proc/acpi", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5
                                                                            look for the directory /proc/acpi, to hide it
     108  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for hiding /proc/acpi
     109  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "555", 0)              set mode=555 for hiding /proc/acpi
     110  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for hiding /proc/acpi
     111  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the tmpfs for hiding /proc/acpi
     112  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/acpi under an empty directory
     113  $found = openat2($root, "proc/asound", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5
                                                                            look for the directory /proc/asound, to hide it
     114  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for hiding /proc/asound
     115  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "555", 0)              set mode=555 for hiding /proc/asound
     116  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for hiding /proc/asound
     117  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the tmpfs for hiding /proc/asound
     118  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/asound under an empty directory
     119  $found = openat2($root, "proc/interrupts", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/interrupts, to hide it
     120  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/interrupts
     121  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/interrupts under /dev/null
     122  $found = openat2($root, "proc/kcore", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/kcore, to hide it
     123  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/kcore
     124  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/kcore under /dev/null
     125  $found = openat2($root, "proc/keys", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/keys, to hide it
     126  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/keys
     127  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/keys under /dev/null
     128  $found = openat2($root, "proc/latency_stats", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/latency_stats, to hide it
     129  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/latency_stats
     130  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/latency_stats under /dev/null
     131  $found = openat2($root, "proc/sched_debug", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/sched_debug, to hide it
     132  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/sched_debug
     133  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/sched_debug under /dev/null
     134  $found = openat2($root, "proc/scsi", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5
                                                                            look for the directory /proc/scsi, to hide it
     135  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for hiding /proc/scsi
     136  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "555", 0)              set mode=555 for hiding /proc/scsi
     137  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for hiding /proc/scsi
     138  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the tmpfs for hiding /proc/scsi
     139  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/scsi under an empty directory
     140  $found = openat2($root, "proc/timer_list", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/timer_list, to hide it
     141  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/timer_list
     142  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/timer_list under /dev/null
     143  $found = openat2($root, "proc/timer_stats", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 2
                                                                            look for the file /proc/timer_stats, to hide it
     144  $mount = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
                                                                            take /dev/null to hide /proc/timer_stats
     145  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /proc/timer_stats under /dev/null
     146  $found = openat2($root, "sys/devices/virtual/powercap", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5
                                                                            look for the directory /sys/devices/virtual/powercap, to hide it
     147  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for hiding /sys/devices/virtual/powercap
     148  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "555", 0)              set mode=555 for hiding /sys/devices/virtual/powercap
     149  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for hiding /sys/devices/virtual/powercap
     150  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the tmpfs for hiding /sys/devices/virtual/powercap
     151  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /sys/devices/virtual/powercap under an empty directory
     152  $found = openat2($root, "sys/firmware", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 5
                                                                            look for the directory /sys/firmware, to hide it
     153  $fs = fsopen("tmpfs", FSOPEN_CLOEXEC)                             open a new tmpfs for hiding /sys/firmware
     154  fsconfig($fs, FSCONFIG_SET_STRING, "mode", "555", 0)              set mode=555 for hiding /sys/firmware
     155  fsconfig($fs, FSCONFIG_CMD_CREATE, 0, 0, 0)                       create the tmpfs for hiding /sys/firmware
     156  $mount = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
                                                                            make a mount of the tmpfs for hiding /sys/firmware
     157  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            hide /sys/firmware under an empty directory
     158  $found = openat2($root, "proc/bus", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 3
                                                                            look for /proc/bus, to make it read-only
     159  $mount = open_tree($found, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
                                                                            take /proc/bus once more
     160  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /proc/bus read-only
     161  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount /proc/bus read-only onto itself
     162  $found = openat2($root, "proc/fs", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 3
                                                                            look for /proc/fs, to make it read-only
     163  $mount = open_tree($found, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
                                                                            take /proc/fs once more
     164  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /proc/fs read-only
     165  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount /proc/fs read-only onto itself
     166  $found = openat2($root, "proc/irq", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 3
                                                                            look for /proc/irq, to make it read-only
     167  $mount = open_tree($found, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
                                                                            take /proc/irq once more
     168  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /proc/irq read-only
     169  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount /proc/irq read-only onto itself
     170  $found = openat2($root, "proc/sys", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 3
                                                                            look for /proc/sys, to make it read-only
     171  $mount = open_tree($found, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
                                                                            take /proc/sys once more
     172  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /proc/sys read-only
     173  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount /proc/sys read-only onto itself
     174  $found = openat2($root, "proc/sysrq-trigger", {flags: O_PATH|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)  // or ENOENT, ENOTDIR: skip 3
                                                                            look for /proc/sysrq-trigger, to make it read-only
     175  $mount = open_tree($found, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
                                                                            take /proc/sysrq-trigger once more
     176  mount_setattr($mount, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set: MOUNT_ATTR_RDONLY}, 32)
                                                                            make /proc/sysrq-trigger read-only
     177  move_mount($mount, "", $found, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
                                                                            mount /proc/sysrq-trigger read-only onto itself

    pivot
     178  $cwd = openat2($root, ".", {flags: O_PATH|O_DIRECTORY|O_CLOEXEC, resolve: RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}, 24)
                                                                            open the working directory /
     179  fchdir($root)                                                     go to the new root
     180  pivot_root(".", ".")                                              make it the root of this mount namespace
     181  umount2(".", MNT_DETACH)                                          let go of the host's files
     182  chdir("/")                                                        stand in the new root
     183  fchdir($cwd)                                                      stand in /

    session
     184  setsid()                                                          start a session of its own

    identity
     185  keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)  // or ENOSYS, EDQUOT
                                                                            start a session keyring of its own
     186  prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0)              give up CAP_DAC_READ_SEARCH for good
     187  prctl(PR_CAPBSET_DROP, CAP_LINUX_IMMUTABLE, 0, 0, 0)              give up CAP_LINUX_IMMUTABLE for good
     188  prctl(PR_CAPBSET_DROP, CAP_NET_BROADCAST, 0, 0, 0)                give up CAP_NET_BROADCAST for good
     189  prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0)                    give up CAP_NET_ADMIN for good
     190  prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)                     give up CAP_IPC_LOCK for good
     191  prctl(PR_CAPBSET_DROP, CAP_IPC_OWNER, 0, 0, 0)                    give up CAP_IPC_OWNER for good
     192  prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE, 0, 0, 0)                   give up CAP_SYS_MODULE for good
     193  prctl(PR_CAPBSET_DROP, CAP_SYS_RAWIO, 0, 0, 0)                    give up CAP_SYS_RAWIO for good
     194  prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0)                   give up CAP_SYS_PTRACE for good
     195  prctl(PR_CAPBSET_DROP, CAP_SYS_PACCT, 0, 0, 0)                    give up CAP_SYS_PACCT for good
     196  prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)                    give up CAP_SYS_ADMIN for good
     197  prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0)                     give up CAP_SYS_BOOT for good
     198  prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)                     give up CAP_SYS_NICE for good
     199  prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)                 give up CAP_SYS_RESOURCE for good
     200  prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0)                     give up CAP_SYS_TIME for good
     201  prctl(PR_CAPBSET_DROP, CAP_SYS_TTY_CONFIG, 0, 0, 0)               give up CAP_SYS_TTY_CONFIG for good
     202  prctl(PR_CAPBSET_DROP, CAP_LEASE, 0, 0, 0)                        give up CAP_LEASE for good
     203  prctl(PR_CAPBSET_DROP, CAP_AUDIT_CONTROL, 0, 0, 0)                give up CAP_AUDIT_CONTROL for good
     204  prctl(PR_CAPBSET_DROP, CAP_MAC_OVERRIDE, 0, 0, 0)                 give up CAP_MAC_OVERRIDE for good
     205  prctl(PR_CAPBSET_DROP, CAP_MAC_ADMIN, 0, 0, 0)                    give up CAP_MAC_ADMIN for good
     206  prctl(PR_CAPBSET_DROP, CAP_SYSLOG, 0, 0, 0)                       give up CAP_SYSLOG for good
     207  prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM, 0, 0, 0)                   give up CAP_WAKE_ALARM for good
     208  prctl(PR_CAPBSET_DROP, CAP_BLOCK_SUSPEND, 0, 0, 0)                give up CAP_BLOCK_SUSPEND for good
     209  prctl(PR_CAPBSET_DROP, CAP_AUDIT_READ, 0, 0, 0)                   give up CAP_AUDIT_READ for good
     210  prctl(PR_CAPBSET_DROP, CAP_PERFMON, 0, 0, 0)                      give up CAP_PERFMON for good
     211  prctl(PR_CAPBSET_DROP, CAP_BPF, 0, 0, 0)                          give up CAP_BPF for good
     212  prctl(PR_CAPBSET_DROP, CAP_CHECKPOINT_RESTORE, 0, 0, 0)           give up CAP_CHECKPOINT_RESTORE for good
     213  seccomp(SECCOMP_SET_MODE_FILTER, 0, {len: 3, filter})             filter its system calls
     214  setgroups(0, [])                                                  set the supplementary groups
     215  setresgid(0, 0, 0)                                                become group 0
     216  setresuid(0, 0, 0)                                                become user 0
     217  umask(022)                                                        set the umask to 022
     218  capset({version: 3, pid: 0}, {effective: 0xa80425fb, permitted: 0xa80425fb, inheritable: 0x0})
                                                                            keep only the capabilities that were granted
     219  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)          clear the ambient set
     220  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)                         end when the parent ends
     221  recvfrom($sync, {byte}, 1, MSG_PEEK|MSG_DONTWAIT, 0, 0)  // or EAGAIN
                                                                            see that it has not ended already

    start
     222  rt_sigaction(13, {SIG_DFL}, 0, 8)                                 handle signal 13 as if nobody had ignored it
     223  rt_sigaction(25, {SIG_DFL}, 0, 8)                                 handle signal 25 as if nobody had ignored it
     224  rt_sigprocmask(SIG_SETMASK, {}, 0, 8)                             let signals in again
     225  execve("/usr/local/sbin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])  // or ENOENT, ENOTDIR, EACCES
                                                                            execute /usr/local/sbin/true, if it is there
     226  execve("/usr/local/bin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])  // or ENOENT, ENOTDIR, EACCES
                                                                            execute /usr/local/bin/true, if it is there
     227  execve("/usr/sbin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])  // or ENOENT, ENOTDIR, EACCES
                                                                            execute /usr/sbin/true, if it is there
     228  execve("/usr/bin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])  // or ENOENT, ENOTDIR, EACCES
                                                                            execute /usr/bin/true, if it is there
     229  execve("/sbin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])  // or ENOENT, ENOTDIR, EACCES
                                                                            execute /sbin/true, if it is there
     230  execve("/bin/true", ["true"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=0123456789ab","HOME=/root"])
                                                                            execute true
    "
  `);
});

const op = (more: Partial<Op>): Op => ({ why: 'see', call: 'getpid', args: [], stage: 'test', ...more });

test('an argument reads as a person would write it', () => {
  const args = [1, 2n, 'a "b"\n', named(3, 'O_THREE'), cell('fd'), data('{size: 4}', [])];
  expect(explainCall(op({ call: 'openat', args }))).toBe('openat(1, 2, "a \\"b\\"\\n", O_THREE, $fd, {size: 4})');
});

test('where the result goes, what is forgiven and what that skips stand beside the call', () => {
  expect(explainCall(op({ into: cell('pid'), allow: ['EEXIST', 0], skip: 2 }))).toBe(
    '$pid = getpid()  // or EEXIST, none: skip 2',
  );
});

test('a call too long for its column has its reason on the next line', () => {
  const program = { ops: [op({ why: 'be short' }), op({ args: ['x'.repeat(20)], why: 'be long' })] };
  expect(explain(program, { column: 20 })).toMatchInlineSnapshot(`
    "test
       0  getpid()      be short
       1  getpid("xxxxxxxxxxxxxxxxxxxx")
                        be long
    "
  `);
});
