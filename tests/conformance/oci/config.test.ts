/** config.md and config-linux.md: what a container's own process sees of each property. */
import { chmodSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import type { Linux, Mount, Process, Spec } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, plainSpec } from './bundle.ts';
import { testOf } from './deviations.ts';
import { runtimes, tareOci } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

interface Property {
  /** The spec's section. */
  readonly section: string;
  readonly title: string;
  readonly change: (spec: Spec, box: Bundle) => Spec;
  /** Of a shell in the container. */
  readonly script: string;
  readonly sees: string | RegExp;
}

const process = (more: Partial<Process>) => (spec: Spec) => ({ ...spec, process: { ...spec.process, ...more } });
const linux = (more: Partial<Linux>) => (spec: Spec) => ({ ...spec, linux: { ...spec.linux, ...more } });
const mounted = (spec: Spec, ...mounts: Mount[]): Spec => ({ ...spec, mounts: [...(spec.mounts ?? []), ...mounts] });
const all = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'];

/** As long as Docker's profile has been: without close_range, faccessat2, openat2 and clone3. */
const callsOf2016 =
  'access arch_prctl brk capget capset chdir clone close connect dup dup2 dup3 execve exit exit_group faccessat fchdir fcntl fork fstat futex getcwd getdents64 getegid geteuid getgid getpgrp getpid getppid getrandom getuid ioctl kill lseek lstat mmap mprotect munmap nanosleep newfstatat open openat pipe pipe2 poll prctl pread64 prlimit64 read readlink readlinkat recvfrom recvmsg rt_sigaction rt_sigprocmask rt_sigreturn sendfile sendmsg sendto set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack socket stat statfs statx sysinfo umask uname vfork wait4 write writev epoll_create1 epoll_ctl epoll_pwait eventfd2 tgkill gettid madvise sched_yield sched_getaffinity rseq pwrite64 fstatfs setgid32'.split(
    ' ',
  );

const properties: Property[] = [
  {
    section: 'config.md, "Root"',
    title: 'readonly',
    change: (spec) => ({ ...spec, root: { ...spec.root, readonly: true } }),
    script: 'touch /x 2>/dev/null || echo read-only',
    sees: 'read-only\n',
  },
  {
    section: 'config.md, "Hostname"',
    title: 'hostname',
    change: (spec) => ({ ...spec, hostname: 'a-name' }),
    script: 'hostname',
    sees: 'a-name\n',
  },
  {
    section: 'config.md, "Process"',
    title: 'cwd, which is made where it is missing',
    change: process({ cwd: '/a/new/place' }),
    script: 'pwd',
    sees: '/a/new/place\n',
  },
  {
    section: 'config.md, "Process"',
    title: 'env, and nothing else but HOME',
    change: process({ env: ['PATH=/bin', 'ONE=1', 'EMPTY='] }),
    script: "tr '\\0' '\\n' </proc/1/environ | sort",
    sees: 'EMPTY=\nHOME=/root\nONE=1\nPATH=/bin\n',
  },
  {
    section: 'config.md, "Process"',
    title: 'no file is open but the three streams',
    change: (spec) => spec,
    // The last one is that of the directory.
    script: 'ls /proc/self/fd | tr -d "\\n"',
    sees: '0123',
  },
  {
    section: 'config.md, "User"',
    title: 'uid, gid, additionalGids and umask',
    change: process({ user: { uid: 7, gid: 8, umask: 0o77, additionalGids: [9, 10] } }),
    script: 'grep -E "^(Uid|Gid|Groups|Umask)" /proc/self/status | tr -s "\\t " " "',
    sees: 'Umask: 0077\nUid: 7 7 7 7\nGid: 8 8 8 8\nGroups: 9 10 \n',
  },
  {
    section: 'config.md, "Linux Process"',
    title: 'capabilities; to root, execve(2) gives all that are permitted',
    change: process({ capabilities: { bounding: all, effective: ['CAP_KILL'], permitted: ['CAP_KILL', 'CAP_CHOWN'] } }),
    script: 'grep ^Cap /proc/1/status | tr "\\t" " "',
    sees: 'CapInh: 0000000000000000\nCapPrm: 0000000000000021\nCapEff: 0000000000000021\nCapBnd: 0000000000002021\nCapAmb: 0000000000000000\n',
  },
  {
    section: 'config.md, "Linux Process"',
    title: 'ambient capabilities, for a user who is not root',
    change: process({
      user: { uid: 7, gid: 7 },
      capabilities: { bounding: all, effective: all, permitted: all, inheritable: all, ambient: ['CAP_NET_RAW'] },
    }),
    script: 'grep -E "^Cap(Eff|Amb)" /proc/self/status | tr "\\t" " "',
    sees: 'CapEff: 0000000000002000\nCapAmb: 0000000000002000\n',
  },
  {
    section: 'config.md, "POSIX process"',
    title: 'rlimits',
    change: process({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 200, hard: 300 }] }),
    script: 'ulimit -Sn; ulimit -Hn',
    sees: '200\n300\n',
  },
  {
    section: 'config.md, "Linux Process"',
    title: 'noNewPrivileges',
    change: process({ noNewPrivileges: true }),
    script: 'grep ^NoNewPrivs /proc/self/status',
    sees: 'NoNewPrivs:\t1\n',
  },
  {
    section: 'config.md, "Linux Process"',
    title: 'oomScoreAdj',
    change: process({ oomScoreAdj: 123 }),
    script: 'cat /proc/1/oom_score_adj',
    sees: '123\n',
  },
  {
    section: 'config.md, "Linux Process"',
    title: 'ioPriority and scheduler are taken',
    change: process({
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 7 },
      scheduler: { policy: 'SCHED_BATCH', nice: 5 },
    }),
    script: 'cut -d" " -f19,41 /proc/self/stat',
    sees: '5 3\n',
  },
  {
    section: 'config.md, "Mounts"',
    title: 'a tmpfs with its options',
    change: (spec) =>
      mounted(spec, {
        destination: '/data',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'noexec', 'size=1m', 'mode=711'],
      }),
    script: 'grep " /data " /proc/self/mounts; stat -c %a /data',
    sees: /tmpfs \/data tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k,mode=711.*\n711\n$/,
  },
  {
    section: 'config.md, "Mounts"',
    title: 'a tmpfs that is read-only has in it what the spec mounts there, and /dev its devices',
    change: (spec) => ({
      ...spec,
      mounts: [
        ...(spec.mounts ?? []).map((mount) =>
          mount.destination === '/dev' ? { ...mount, options: [...(mount.options ?? []), 'ro'] } : mount,
        ),
        { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
        { destination: '/data/more', type: 'tmpfs', source: 'tmpfs' },
      ],
    }),
    script: 'echo >/dev/null && touch /data/more/x && echo good; touch /data/x || touch /dev/x || echo read-only',
    sees: /^good\n(.*\n)*read-only\n$/,
  },
  {
    section: 'config.md, "Mounts"',
    title: 'a bind mount, read-only',
    change: (spec, box) =>
      mounted(spec, { destination: '/bound', type: 'bind', source: box.at('source'), options: ['rbind', 'ro'] }),
    script: 'cat /bound/file; touch /bound/x 2>/dev/null || echo read-only',
    sees: 'of the host\nread-only\n',
  },
  {
    section: 'config.md, "Mounts"',
    title: 'a file is bound to a file, and in the order of the list',
    change: (spec, box) =>
      mounted(
        spec,
        { destination: '/data', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/data/file', type: 'bind', source: box.at('source/file'), options: ['bind'] },
      ),
    script: 'cat /data/file',
    sees: 'of the host\n',
  },
  {
    section: 'config-linux.md, "Default Filesystems"',
    title: 'links of /dev, and the default devices',
    change: (spec) => spec,
    script:
      'for name in fd stdin stdout stderr ptmx; do readlink /dev/$name; done; stat -c "%n %t:%T" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty',
    sees: /^\/proc\/self\/fd\n\/proc\/self\/fd\/0\n\/proc\/self\/fd\/1\n\/proc\/self\/fd\/2\n(\/dev\/)?pts\/ptmx\n\/dev\/null 1:3\n\/dev\/zero 1:5\n\/dev\/full 1:7\n\/dev\/random 1:8\n\/dev\/urandom 1:9\n\/dev\/tty 5:0\n$/,
  },
  {
    section: 'config-linux.md, "Devices"',
    title: 'a device with its mode and owner',
    change: linux({
      devices: [{ path: '/dev/mine', type: 'c', major: 1, minor: 5, fileMode: 0o640, uid: 7, gid: 8 }],
    }),
    script: 'stat -c "%a %u:%g %t:%T" /dev/mine',
    sees: '640 7:8 1:5\n',
  },
  {
    section: 'config-linux.md, "Namespaces"',
    title: 'a namespace with a path is joined',
    change: (spec) => ({
      ...spec,
      linux: {
        ...spec.linux,
        namespaces: [
          ...(spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'network'),
          { type: 'network' as const, path: `/proc/${globalThis.process.pid}/ns/net` },
        ],
      },
    }),
    script: 'readlink /proc/self/ns/net',
    sees: /^net:\[\d+\]\n$/,
  },
  {
    section: 'config-linux.md, "Namespaces"',
    title: 'what is not listed is shared: no more processes are seen with a pid namespace than without',
    change: (spec) => spec,
    script: 'ls -d /proc/[0-9]* | grep -c .; echo $$',
    sees: /^[12345]\n1\n$/,
  },
  {
    section: 'config-linux.md, "User namespace mappings"',
    title: 'uidMappings and gidMappings',
    change: (spec) => ({
      ...spec,
      linux: {
        ...spec.linux,
        namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' as const }],
        uidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
        gidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
      },
    }),
    script: 'tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map',
    sees: ' 0 0 1000\n 0 0 1000\n',
  },
  {
    section: 'config-linux.md, "Namespaces"',
    title: "a new user namespace, and others' by path",
    change: (spec) => ({
      ...spec,
      linux: {
        ...spec.linux,
        namespaces: [
          ...(spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'network' && type !== 'uts'),
          { type: 'user' as const },
          { type: 'network' as const, path: `/proc/${globalThis.process.pid}/ns/net` },
          { type: 'uts' as const, path: `/proc/${globalThis.process.pid}/ns/uts` },
        ],
        uidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
        gidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
      },
      hostname: undefined,
    }),
    script: 'echo $$; tr -s " " </proc/self/uid_map; for kind in net uts; do readlink /proc/self/ns/$kind; done',
    sees: `1\n 0 0 1000\n${['net', 'uts'].map((kind) => `${readlinkSync(`/proc/self/ns/${kind}`)}\n`).join('')}`,
  },
  {
    section: 'config.md, "Mounts"',
    title: 'a bind mount of what only root on the host can reach, in a user namespace',
    change: (spec, box) => {
      mkdirSync(box.at('closed/source'), { recursive: true });
      writeFileSync(box.at('closed/source/file'), 'of the host\n');
      chmodSync(box.at('closed'), 0o700);
      const ids = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      const namespaces = [...(spec.linux?.namespaces ?? []), { type: 'user' as const }];
      return {
        ...mounted(spec, {
          destination: '/tmp/closed',
          type: 'bind',
          source: box.at('closed/source'),
          options: ['bind', 'ro'],
        }),
        linux: { ...spec.linux, namespaces, uidMappings: ids, gidMappings: ids },
      };
    },
    script: 'cat /tmp/closed/file',
    sees: 'of the host\n',
  },
  {
    section: 'config-linux.md, "Sysctl"',
    title: 'sysctl',
    change: linux({ sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9000' } }),
    script: 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
    sees: '1\n9000\n',
  },
  {
    section: 'config-linux.md, "Seccomp"',
    title: 'a call gets the errno of its rule',
    change: linux({
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64'],
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      },
    }),
    script: 'mkdir /x 2>&1',
    sees: /No space left/,
  },
  ...[true, false].map((noNewPrivileges): Property => ({
    section: 'config-linux.md, "Seccomp"',
    title: `a filter that knows no call of the last ten years${noNewPrivileges ? ', and no way to more privileges' : ''}`,
    change: (spec) => ({
      ...spec,
      process: {
        ...spec.process,
        noNewPrivileges,
        capabilities: { bounding: all, effective: all, permitted: all },
      },
      linux: {
        ...spec.linux,
        seccomp: { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: callsOf2016, action: 'SCMP_ACT_ALLOW' }] },
      },
    }),
    script: 'grep ^Seccomp: /proc/self/status',
    sees: 'Seccomp:\t2\n',
  })),
  {
    section: 'config-linux.md, "Masked Paths" and "Readonly Paths"',
    title: 'maskedPaths read as nothing, readonlyPaths cannot be written',
    change: linux({
      maskedPaths: ['/proc/version', '/etc', '/not/there'],
      readonlyPaths: ['/proc/sys', '/root', '/not/there'],
    }),
    script:
      'wc -c </proc/version; ls /etc | wc -l; echo x >/proc/sys/kernel/hostname || echo no; touch /root/x || echo no',
    sees: /^0\n0\n(.*\n)?no\n(.*\n)?no\n$/,
  },
  {
    section: 'config-linux.md, "Rootfs Mount Propagation"',
    title: 'rootfsPropagation: unbindable',
    change: linux({ rootfsPropagation: 'unbindable' }),
    script: 'grep " / / \\| /[^ ]* / " /proc/self/mountinfo | grep -c unbindable',
    sees: '1\n',
  },
  {
    section: 'config-linux.md, "Personality"',
    title: 'personality',
    change: linux({ personality: { domain: 'LINUX32' } }),
    script: 'uname -m',
    sees: /^i[3-6]86\n$|^armv/,
  },
];

/** What the peers of Debian 12 know of it is for the table of scripts/oci-table.mjs to say. */
const asked = globalThis.process.env.TARE_OCI_TABLE === undefined ? [tareOci] : runtimes;

describe.runIf(able).each(asked)('$name', (runtime) => {
  for (const { section, title, change, script, sees } of properties) {
    testOf(runtime)(`${section}: ${title}`, async () => {
      const plain = plainSpec(['sh', '-c', `{ ${script}; } >/tmp/seen 2>&1; echo >/tmp/done`]);
      using box = new Bundle(runtime, plain);
      mkdirSync(box.at('source'));
      mkdirSync(box.at('rootfs/tmp'), { recursive: true });
      writeFileSync(box.at('source/file'), 'of the host\n');
      const temporary: Mount = { destination: '/tmp', type: 'bind', source: box.at('rootfs/tmp'), options: ['rbind'] };
      chmodSync(box.at('rootfs/tmp'), 0o777);
      chmodSync(box.path, 0o755);
      box.write(change(mounted(plain, temporary), box));
      expect(box.create()).toMatchObject({ status: 0 });
      expect(box.start()).toMatchObject({ status: 0 });
      await box.until('stopped');
      const seen = box.read('tmp/seen') ?? '';
      if (typeof sees === 'string') expect(seen).toBe(sees);
      else expect(seen).toMatch(sees);
    });
  }
});
