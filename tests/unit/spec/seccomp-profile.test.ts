import { expect, test } from 'vitest';
import { defaultSeccompProfile } from '../../../src/spec/seccomp-default.ts';
import { resolveSeccomp, type SeccompFacts, selectRules } from '../../../src/spec/seccomp-profile.ts';
import type { SeccompProfile } from '../../../src/spec/seccomp-form.ts';
import { SpecError } from '../../../src/spec/problem.ts';
import type { Seccomp } from '../../../src/spec/spec.ts';

const facts: SeccompFacts = { arch: 'x64', kernel: [6, 18], capabilities: [] };

/** `read write: ALLOW` for each rule. */
function tell({ syscalls = [] }: Seccomp): string[] {
  return syscalls.map(({ names, action, errnoRet, args = [] }) => {
    const conditions = args.map(({ index, op, value, valueTwo }) => ` ${index} ${op} ${value} ${valueTwo ?? ''}`);
    return `${names.join(' ')}: ${action.replace('SCMP_ACT_', '')}${errnoRet ?? ''}${conditions.join()}`;
  });
}

function faults(profile: unknown): string {
  try {
    resolveSeccomp(profile, facts);
    return 'none';
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

const conditional: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [
    { names: ['read'], action: 'SCMP_ACT_ALLOW', comment: 'everyone' },
    { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT'] } },
    { names: ['clone'], action: 'SCMP_ACT_LOG', excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } },
    { names: ['arch_prctl'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64', 'x32'] } },
    { names: ['set_tls'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['amd64'] } },
    { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
    { names: ['kcmp'], action: 'SCMP_ACT_TRAP', excludes: { minKernel: '6.2' } },
  ],
};

test.each<[string, Partial<SeccompFacts>, string]>([
  ['nothing', {}, 'read clone arch_prctl ptrace'],
  ['one of two capabilities', { capabilities: ['CAP_SYS_ADMIN'] }, 'read arch_prctl ptrace'],
  ['both capabilities', { capabilities: ['CAP_SYS_CHROOT', 'CAP_SYS_ADMIN'] }, 'read mount arch_prctl ptrace'],
  ['a capability that any would do to exclude', { capabilities: ['CAP_BPF'] }, 'read arch_prctl ptrace'],
  ['the other architecture', { arch: 'arm64' }, 'read clone set_tls ptrace'],
  ['the very kernel', { kernel: [4, 8] }, 'read clone arch_prctl ptrace kcmp'],
  ['a kernel before, with a greater minor', { kernel: [3, 19] }, 'read clone arch_prctl kcmp'],
  ['a kernel after, with a lesser minor', { kernel: [5, 1] }, 'read clone arch_prctl ptrace kcmp'],
  ['a kernel just before', { kernel: [4, 7] }, 'read clone arch_prctl kcmp'],
])('of a profile in the form of Docker, the rules that apply are left: %s', (_, changed, expected) => {
  const { syscalls = [] } = resolveSeccomp(conditional, { ...facts, ...changed });
  expect(syscalls.flatMap(({ names }) => names).join(' ')).toBe(expected);
});

test('what is left is in the form of the OCI', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    comment: 'mine',
    archMap: [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ],
    syscalls: [
      { names: ['accept'], action: 'SCMP_ACT_ALLOW', args: [], comment: '', includes: {}, excludes: {} },
      {
        names: ['personality'],
        action: 'SCMP_ACT_TRACE',
        errnoRet: 7,
        args: [{ index: 0, value: 8, valueTwo: 0, op: 'SCMP_CMP_EQ' }],
      },
    ],
  };
  expect(resolveSeccomp(profile, facts)).toMatchInlineSnapshot(`
    {
      "architectures": [
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X32",
      ],
      "defaultAction": "SCMP_ACT_ERRNO",
      "defaultErrnoRet": 1,
      "syscalls": [
        {
          "action": "SCMP_ACT_ALLOW",
          "names": [
            "accept",
          ],
        },
        {
          "action": "SCMP_ACT_TRACE",
          "args": [
            {
              "index": 0,
              "op": "SCMP_CMP_EQ",
              "value": 8,
              "valueTwo": 0,
            },
          ],
          "errnoRet": 7,
          "names": [
            "personality",
          ],
        },
      ],
    }
  `);
  expect(resolveSeccomp(profile, { ...facts, arch: 'arm64' }).architectures).toEqual([
    'SCMP_ARCH_AARCH64',
    'SCMP_ARCH_ARM',
  ]);
});

test('a profile in the form of the OCI stays as it is', () => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    listenerPath: '/run/listener',
    listenerMetadata: 'x',
    syscalls: [
      {
        names: ['mkdir'],
        action: 'SCMP_ACT_NOTIFY',
        args: [{ index: 1, value: 511, op: 'SCMP_CMP_LE' }],
      },
    ],
  };
  expect(resolveSeccomp(profile, facts)).toEqual(profile);
  expect(resolveSeccomp(JSON.parse(JSON.stringify(profile)), facts)).toEqual(profile);
});

test("a profile of Docker's first days names one call a rule, and Go writes null for nothing", () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: null,
    archMap: null,
    syscalls: [
      { name: 'accept', action: 'SCMP_ACT_ALLOW', args: null },
      { name: 'bind', names: null, action: 'SCMP_ACT_ALLOW', includes: null },
    ],
  };
  expect(tell(resolveSeccomp(profile, facts))).toEqual(['accept: ALLOW', 'bind: ALLOW']);
});

test('unknown properties are ignored', () => {
  expect(faults({ defaultAction: 'SCMP_ACT_ALLOW', future: 1, syscalls: [] })).toBe('none');
});

test('every fault is reported, with its place', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_NOTIFY',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_Z80'],
    archMap: [{ architecture: 'amd64' }, { subArchitectures: 'x86' }],
    flags: ['SECCOMP_FILTER_FLAG_NOISE'],
    listenerMetadata: 'x',
    syscalls: [
      { names: [], action: 'ALLOW' },
      { names: ['two words', 7], action: 'SCMP_ACT_ALLOW', errnoRet: 1 },
      { action: 'SCMP_ACT_KILL' },
      { names: ['sendmsg'], action: 'SCMP_ACT_NOTIFY' },
      {
        names: ['read'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 99999,
        args: [
          { index: 6, value: -1, op: 'EQ' },
          { index: 0, value: 2 ** 60 },
        ],
        includes: { caps: ['SYS_ADMIN'], minKernel: 'new' },
        excludes: [],
      },
      'read',
    ],
  };
  expect(faults(profile)).toMatchInlineSnapshot(`
    "check the seccomp profile: 27 problems
      /architectures/0: must be an architecture of libseccomp, not 'SCMP_ARCH_Z80' (did you mean SCMP_ARCH_X86?)
      /flags/0: must be a flag of seccomp(2), not 'SECCOMP_FILTER_FLAG_NOISE' (did you mean SECCOMP_FILTER_FLAG_LOG?)
      /syscalls/0/action: must be a seccomp action, not 'ALLOW'
      /syscalls/1/names/1: must be a string, not a number
      /syscalls/2/names: must be given
      /syscalls/4/errnoRet: must be a whole number from 0 to 65535, not 99999
      /syscalls/4/args/0/index: must be a whole number from 0 to 5, not 6
      /syscalls/4/args/0/value: must be a whole number from 0 to 2^64 - 1, not -1
      /syscalls/4/args/0/op: must be a comparison of libseccomp, not 'EQ': SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ
      /syscalls/4/args/1/op: must be given
      /syscalls/5: must be an object, not a string
      /archMap/0/architecture: must be an architecture of libseccomp such as SCMP_ARCH_X86_64, not 'amd64'
      /archMap/1/architecture: must be given
      /archMap/1/subArchitectures: must be a list, not a string
      /syscalls/4/includes/caps/0: must be a capability, not 'SYS_ADMIN'
      /syscalls/4/includes/minKernel: must be a version such as 4.8, not 'new'
      /syscalls/4/excludes: must be an object, not a list
      /defaultAction: must not notify: the call that hands over the listener would wait for it
      /defaultErrnoRet: must not stand beside SCMP_ACT_NOTIFY, which returns no errno
      /listenerMetadata: must come with listenerPath, or it reaches nobody
      /syscalls/0/names: must name a call
      /syscalls/1/names/0: must be the name of a call, not 'two words'
      /syscalls/1/errnoRet: must not stand beside SCMP_ACT_ALLOW, which returns no errno
      /syscalls/3/names: must not have sendmsg notified: it hands over the listener
      /syscalls/3/action: must come with listenerPath: nobody would answer the notification
      /syscalls/4/args/1/value: must be at most 2^53 - 1, or 2^64 - 1: JSON numbers between them lose digits
      /archMap: must not stand beside architectures; keep one of the two"
  `);
});

test('what is no profile is told so', () => {
  expect([null, 7, 'unconfined', [], {}].map(faults).join('\n')).toMatchInlineSnapshot(`
    "check the seccomp profile: 1 problem
      the whole of it: must be an object, not null
    check the seccomp profile: 1 problem
      the whole of it: must be an object, not a number
    check the seccomp profile: 1 problem
      the whole of it: must be an object, not a string
    check the seccomp profile: 1 problem
      the whole of it: must be an object, not a list
    check the seccomp profile: 1 problem
      /defaultAction: must be given"
  `);
});

test('every rule of the default profile says why, and every denial which errno', () => {
  for (const { names, action, comment = '', errnoRet } of defaultSeccompProfile.syscalls ?? []) {
    expect([names, comment.length > 10]).toEqual([names, true]);
    if (action === 'SCMP_ACT_ERRNO') expect([names, errnoRet]).toEqual([names, expect.any(Number)]);
  }
  expect(faults(defaultSeccompProfile)).toBe('none');
});

test('the default profile names no call twice for the same container', () => {
  const caps = ['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_PERFMON', 'CAP_SYSLOG'];
  for (const capabilities of [[], caps.slice(0, 1), caps.slice(1), caps]) {
    const { syscalls = [] } = selectRules(defaultSeccompProfile, { ...facts, capabilities });
    const names = syscalls.filter(({ args }) => args === undefined).flatMap((rule) => rule.names);
    expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([]);
  }
});

test('what each capability opens in the default profile', () => {
  const open = (capabilities: string[]): Set<string> => {
    const { syscalls = [] } = selectRules(defaultSeccompProfile, { ...facts, capabilities });
    const allowed = syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined);
    return new Set(allowed.flatMap(({ names }) => names));
  };
  const caps = defaultSeccompProfile.syscalls?.flatMap(({ includes }) => includes?.caps ?? []);
  const everyone = open([]);
  const opened = [...new Set(caps)].sort().map((cap) => {
    const more = [...open([cap])].filter((name) => !everyone.has(name));
    return `${cap}: ${more.join(' ')}`;
  });
  expect(opened.join('\n')).toMatchInlineSnapshot(`
    "CAP_BPF: bpf
    CAP_DAC_READ_SEARCH: open_by_handle_at
    CAP_PERFMON: perf_event_open
    CAP_SYSLOG: syslog
    CAP_SYS_ADMIN: setns clone clone3 unshare fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root umount umount2 fanotify_init fanotify_mark lookup_dcookie lsm_set_self_attr quotactl quotactl_fd setdomainname sethostname swapoff swapon add_key keyctl request_key bpf perf_event_open syslog
    CAP_SYS_BOOT: reboot
    CAP_SYS_CHROOT: chroot
    CAP_SYS_MODULE: delete_module finit_module init_module
    CAP_SYS_NICE: get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node
    CAP_SYS_PACCT: acct
    CAP_SYS_PTRACE: userfaultfd
    CAP_SYS_RAWIO: ioperm iopl
    CAP_SYS_TIME: clock_settime clock_settime64 settimeofday stime
    CAP_SYS_TTY_CONFIG: vhangup"
  `);
});

test('a process without capabilities makes threads and processes, but no namespaces', () => {
  const rules = selectRules(defaultSeccompProfile, facts);
  const about = (name: string): string[] =>
    tell({ ...rules, syscalls: rules.syscalls?.filter(({ names }) => names.includes(name)) });
  expect([...about('clone'), ...about('clone3'), ...about('setns')]).toMatchInlineSnapshot(`
    [
      "clone: ALLOW 0 SCMP_CMP_MASKED_EQ 2114060288 0",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 131072 131072",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 33554432 33554432",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 67108864 67108864",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 134217728 134217728",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 268435456 268435456",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 536870912 536870912",
      "clone unshare: ERRNO1 0 SCMP_CMP_MASKED_EQ 1073741824 1073741824",
      "clone3: ERRNO38",
      "setns: ERRNO1",
    ]
  `);
});
