/**
 * The filter that a container gets unless it asks for another: an allow-list, in Docker's profile form.
 *
 * Whoever is refused must be able to tell why, so a call that is not allowed answers in one of three ways:
 * - EPERM where the call is known and withheld, as the kernel itself would answer the unprivileged;
 * - EAFNOSUPPORT for a socket family that is withheld;
 * - ENOSYS for everything else, above all for calls that are newer than this list. Every program that tries a new call
 *   falls back on ENOSYS; an EPERM that no kernel would give is taken at its word, and breaks each new libc in old
 *   containers (faccessat2, clone3 and fchmodat2 each did).
 *
 * Rules that hang on a capability look at the container's bounding set. Known calls: up to Linux 6.18.
 */
import type { SeccompArg } from './spec.ts';
import type { SeccompProfile, SeccompProfileRule } from './seccomp-form.ts';

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const words = (text: TemplateStringsArray): string[] => text.join('').trim().split(/\s+/);

const allow = (comment: string, names: string[], args?: SeccompArg[]): SeccompProfileRule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...(args && { args }),
  comment,
});

const refuse = (errnoRet: number, comment: string, names: string[], args?: SeccompArg[]): SeccompProfileRule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...(args && { args }),
  comment,
});

/** Allowed with any one of the capabilities, EPERM without. At most one of the rules outlives resolution. */
const granted = (caps: string[], comment: string, names: string[]): SeccompProfileRule[] => [
  ...caps.map((cap, i) => ({
    ...allow(comment, names),
    includes: { caps: [cap] },
    ...(i > 0 && { excludes: { caps: caps.slice(0, i) } }),
  })),
  { ...refuse(EPERM, `without ${caps.join(' or ')}: ${comment}`, names), excludes: { caps } },
];

/** The argument must equal the whole 64-bit value: the kernel cuts an `int` down, and `1<<32 | 38` would be family 38. */
const equal = (index: number, value: number): SeccompArg[] => [{ index, value, op: 'SCMP_CMP_EQ' }];

const masked = (index: number, mask: number, valueTwo: number): SeccompArg[] => [
  { index, value: mask, valueTwo, op: 'SCMP_CMP_MASKED_EQ' },
];

const everyone: SeccompProfileRule[] = [
  allow(
    'files, directories and their metadata: permissions, mounts and the device cgroup decide, not the call',
    words`
      access chdir chmod chown chown32 close close_range creat dup dup2 dup3 faccessat faccessat2 fchdir fchmod fchmodat
      fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fgetxattr file_getattr file_setattr flistxattr flock fremovexattr
      fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat getcwd getdents getdents64 getxattr getxattrat
      inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lchown lchown32 lgetxattr link linkat listxattr
      listxattrat llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat
      open openat openat2 readdir readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir setxattr
      setxattrat stat stat64 statfs statfs64 statx symlink symlinkat umask unlink unlinkat utime utimensat
      utimensat_time64 utimes
    `,
  ),
  allow('listing the mounts of the own namespace, as /proc/self/mountinfo does', words`listmount statmount`),
  allow(
    'reading and writing what is open',
    words`
      _llseek _newselect cachestat copy_file_range epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
      epoll_wait eventfd eventfd2 fadvise64 fadvise64_64 fallocate fdatasync fsync ftruncate ftruncate64 io_cancel
      io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl lseek pipe pipe2 poll ppoll
      ppoll_time64 pread64 preadv preadv2 pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readv select
      sendfile sendfile64 signalfd signalfd4 splice sync sync_file_range syncfs tee truncate truncate64 vmsplice write
      writev
    `,
  ),
  allow(
    'the own address space',
    words`
      brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect
      mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages
    `,
  ),
  allow(
    'processes, threads and signals: the pid namespace bounds whom they reach',
    words`
      alarm execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
      get_robust_list get_thread_area getpgid getpgrp getpid getppid getsid gettid kill pause pidfd_open
      pidfd_send_signal process_mrelease restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
      rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo set_robust_list set_thread_area
      set_tid_address setpgid setsid sigaction sigaltstack signal sigpending sigprocmask sigreturn sigsuspend tgkill tkill
      vfork wait4 waitid waitpid
    `,
  ),
  allow(
    'the trampolines by which the kernel traces user probes: a traced program that is refused them dies of SIGILL',
    words`uprobe uretprobe`,
  ),
  allow(
    'the own identity and limits: the kernel checks capabilities in the own user namespace',
    words`
      capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpriority getresgid
      getresgid32 getresuid getresuid32 getrlimit getrusage getuid getuid32 ioprio_get ioprio_set nice prlimit64
      setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setpriority setregid setregid32
      setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setuid setuid32 ugetrlimit
    `,
  ),
  allow(
    'the scheduler: raising a priority takes CAP_SYS_NICE or an rlimit all the same',
    words`
      getcpu sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
      sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
      sched_setparam sched_setscheduler sched_yield
    `,
  ),
  allow(
    'reading clocks and setting timers; adjtimex only reads without CAP_SYS_TIME',
    words`
      adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
      clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
      timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
      timerfd_gettime64 timerfd_settime timerfd_settime64 times
    `,
  ),
  allow(
    'System V and POSIX message passing, in the own ipc namespace',
    words`
      ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
      mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
    `,
  ),
  allow(
    'using sockets; making them is below',
    words`
      accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
      recvmsg send sendmmsg sendmsg sendto setsockopt shutdown
    `,
  ),
  allow('harmless facts about the system', words`getrandom lsm_get_self_attr lsm_list_modules sysinfo uname`),
  allow(
    'giving up rights of its own: a sandbox in the sandbox',
    words`landlock_add_rule landlock_create_ruleset landlock_restrict_self prctl seccomp`,
  ),
];

/** What one architecture has and the others lack, or must not be seen to have. */
const architectural: SeccompProfileRule[] = [
  {
    ...allow('segment bases and the shadow stack of the own thread', words`arch_prctl`),
    includes: { arches: ['amd64'] },
  },
  {
    ...allow(
      'what 32-bit ARM calls by other names, and its calls that serve its own caches and thread register',
      words`arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2`,
    ),
    includes: { arches: ['arm64'] },
  },
];

const families = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  AF_PACKET: 17,
};

/** One rule for each family up to the last that is allowed, because libseccomp compares an argument once in a rule. */
const sockets: SeccompProfileRule[] = [
  refuse(
    EPERM,
    'the 32-bit x86 multiplexer hides the family behind a pointer where no filter can look, and libseccomp opens it for ' +
      'whatever socket rule allows: refused as a whole; socket(2) itself exists there since Linux 4.3',
    words`socketcall`,
  ),
  ...Array.from({ length: 18 }, (_, family) => {
    const name = Object.entries(families).find(([, value]) => value === family)?.[0];
    return name === undefined
      ? refuse(
          EAFNOSUPPORT,
          'asking for a rare family loads its kernel module, the home of many a root exploit',
          words`socket socketpair`,
          equal(0, family),
        )
      : allow(`${name}: bounded by the network namespace`, words`socket socketpair`, equal(0, family));
  }),
  refuse(
    EAFNOSUPPORT,
    'rare families: AF_ALG (38) is the way into the kernel crypto code, AF_VSOCK (40) leads to the hypervisor past every ' +
      'namespace, and the next one is not audited either',
    words`socket socketpair`,
    [{ index: 0, value: 18, op: 'SCMP_CMP_GE' }],
  ),
];

/** The flags of clone(2) and unshare(2) that make a namespace. */
const CLONE_NEW = {
  CLONE_NEWTIME: 0x80,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
};
/** Every bit of unshare's flags but those that share memory, files, directories and semaphores among threads. */
const NOT_THREAD_STATE = 0xfffaf0ff;
/** clone's lowest byte is a signal, so that it cannot ask for a time namespace. */
const NEW_BY_CLONE = 0x7e020000;

const admin = { caps: ['CAP_SYS_ADMIN'] };

const namespaces: SeccompProfileRule[] = [
  ...granted(admin.caps, 'entering other namespaces', words`setns`),
  { ...allow('with CAP_SYS_ADMIN a process may make namespaces', words`clone clone3 unshare`), includes: admin },
  {
    ...allow('threads and processes in the present namespaces', words`clone`, masked(0, NEW_BY_CLONE, 0)),
    excludes: admin,
  },
  {
    ...allow('a thread that leaves what it shares, no namespace', words`unshare`, masked(0, NOT_THREAD_STATE, 0)),
    excludes: admin,
  },
  ...Object.entries(CLONE_NEW).map(([flag, bit]) => ({
    ...refuse(
      EPERM,
      `${flag}: a user namespace hands out every capability over kernel code that only root used to reach`,
      flag === 'CLONE_NEWTIME' ? words`unshare` : words`clone unshare`,
      masked(0, bit, bit),
    ),
    excludes: admin,
  })),
  {
    ...refuse(
      ENOSYS,
      'its flags lie behind a pointer where no filter can look; a libc told ENOSYS falls back to clone',
      words`clone3`,
    ),
    excludes: admin,
  },
];

const personalities = {
  'PER_LINUX, the usual one': 0,
  'PER_LINUX32, for builds of 32-bit programs': 8,
  'PER_LINUX with UNAME26, for programs that stumble over a version above 2.6': 0x20000,
  'PER_LINUX32 with UNAME26': 0x20008,
  'ADDR_NO_RANDOMIZE, which debuggers and sanitizers need and which weakens nobody but the caller': 0x40000,
  'no change: asks for the present one': 0xffffffff,
};

export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: ENOSYS,
  archMap: [
    // No x32: nobody runs it, and its calls are x86-64's with bit 30 set, which is a second way to everything.
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    ...everyone,
    ...architectural,
    ...sockets,
    ...namespaces,
    ...Object.entries(personalities).map(([comment, value]) => allow(comment, words`personality`, equal(0, value))),
    refuse(
      ENOSYS,
      'does file and network calls where no filter sees them, and has been the home of many a root exploit; as on a kernel ' +
        'built without it, programs fall back',
      words`io_uring_enter io_uring_register io_uring_setup`,
    ),
    refuse(EPERM, 'replaces the kernel of the host; no namespace bounds it', words`kexec_file_load kexec_load`),
    {
      ...allow(
        'other processes of the own user namespace; before Linux 4.8 a tracer could rewrite a call after the filter had ' +
          'passed it',
        words`kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace`,
      ),
      includes: { minKernel: '4.8' },
    },
    ...granted(
      ['CAP_SYS_PTRACE'],
      'other processes, on a kernel whose tracers outwit the filter',
      words`kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace`,
    ).map((rule) => ({ ...rule, excludes: { ...rule.excludes, minKernel: '4.8' } })),
    ...granted(
      ['CAP_SYS_ADMIN'],
      'mounting, in both of its interfaces',
      words`
        fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root umount umount2
      `,
    ),
    ...granted(
      ['CAP_SYS_ADMIN'],
      'administration of the machine',
      words`
        fanotify_init fanotify_mark lookup_dcookie lsm_set_self_attr quotactl quotactl_fd setdomainname sethostname
        swapoff swapon
      `,
    ),
    ...granted(
      ['CAP_SYS_ADMIN'],
      'keyrings belong to a user id of the host, not to the container',
      words`add_key keyctl request_key`,
    ),
    ...granted(['CAP_BPF', 'CAP_SYS_ADMIN'], 'loads programs into the kernel', words`bpf`),
    ...granted(['CAP_PERFMON', 'CAP_SYS_ADMIN'], 'measures, and so sees, other processes', words`perf_event_open`),
    ...granted(['CAP_SYSLOG', 'CAP_SYS_ADMIN'], 'the log of the host, with addresses of its kernel', words`syslog`),
    ...granted(
      ['CAP_SYS_PTRACE'],
      'stops the kernel in the middle of a copy, the lever of many an exploit',
      words`userfaultfd`,
    ),
    ...granted(
      ['CAP_DAC_READ_SEARCH'],
      'opens any file of a file system by number, also outside the container (the "shocker" escape)',
      words`open_by_handle_at`,
    ),
    ...granted(
      ['CAP_SYS_NICE'],
      'where in the machine memory lies: it slows down others',
      words`get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node`,
    ),
    ...granted(['CAP_SYS_BOOT'], 'in a pid namespace it ends the namespace, elsewhere the machine', words`reboot`),
    ...granted(['CAP_SYS_CHROOT'], 'a new root directory', words`chroot`),
    ...granted(['CAP_SYS_MODULE'], 'kernel modules', words`delete_module finit_module init_module`),
    ...granted(['CAP_SYS_PACCT'], 'process accounting of the whole host', words`acct`),
    ...granted(['CAP_SYS_RAWIO'], 'hardware ports', words`ioperm iopl`),
    ...granted(
      ['CAP_SYS_TIME'],
      'the clock of the host, which no namespace covers',
      words`clock_settime clock_settime64 settimeofday stime`,
    ),
    ...granted(['CAP_SYS_TTY_CONFIG'], 'hangs up the terminal', words`vhangup`),
  ],
};
