import { closeSync, fstatSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ArgComparison } from '../../../src/linux/bpf-seccomp.ts';
import { LibSeccomp } from '../../../src/linux/libseccomp.ts';
import { type ForeignArgument, openLibrary } from '../../../src/linux/native.ts';
import { SeccompCompiler } from '../../../src/linux/seccomp.ts';
import { recentNumber } from '../../../src/linux/seccomp-calls.ts';
import { actionValue, type FilterProfile, filterRules } from '../../../src/linux/seccomp-rules.ts';
import { defaultSeccompProfile } from '../../../src/spec/seccomp-default.ts';
import { selectRules } from '../../../src/spec/seccomp-profile.ts';
import { AUDIT_ARCH, evaluate, RET, verdictName } from './classic-bpf.ts';
import { edges, meaning } from './seccomp-meaning.ts';

const library = new LibSeccomp(openLibrary);
const raw = openLibrary('libseccomp.so.2');
const compile = (profile: FilterProfile): Buffer => new SeccompCompiler({ library, arch: 'x64' }).compile(profile).bpf;
const defaults = (capabilities: readonly string[]): FilterProfile =>
  selectRules(defaultSeccompProfile, { arch: 'x64', kernel: [6, 18], capabilities });

const docker =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`);
const capabilitySets: [string, string[]][] = [
  ['no capability', []],
  ["Docker's capabilities", docker],
  ['an administrator', [...docker, 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_BPF']],
];

/** Of 32-bit x86, for calls that libseccomp only knows as multiplexed: asm/unistd_32.h. */
const direct = {
  ...{ recvmmsg: 337, sendmmsg: 345, socket: 359, socketpair: 360, bind: 361, connect: 362, listen: 363, accept4: 364 },
  ...{ getsockopt: 365, setsockopt: 366, getsockname: 367, getpeername: 368, sendto: 369, sendmsg: 370, recvfrom: 371 },
  ...{ recvmsg: 372, shutdown: 373, semget: 393, semctl: 394, shmget: 395, shmctl: 396, shmat: 397, shmdt: 398 },
  ...{ msgget: 399, msgsnd: 400, msgrcv: 401, msgctl: 402 },
};

function resolve(arch: number, name: string): number {
  const number = library.resolve(arch, name);
  return number === -1 ? recentNumber(arch, name) : number;
}

function namesByNumber(arch: number): Map<number, string> {
  const names = [...new Set(defaultSeccompProfile.syscalls?.flatMap((rule) => rule.names))];
  const known = arch === AUDIT_ARCH.i386 ? Object.entries(direct).map(([name, n]): [number, string] => [n, name]) : [];
  return new Map([...names.map((name): [number, string] => [resolve(arch, name), name]), ...known]);
}

test.each(capabilitySets)('the default filter of %s does what its profile says, on both widths', (_, capabilities) => {
  const profile = defaults(capabilities);
  const bpf = compile(profile);
  for (const arch of [AUDIT_ARCH.x86_64, AUDIT_ARCH.i386]) {
    const byNumber = namesByNumber(arch);
    for (let number = 0; number < 600; number += 1) {
      const name = byNumber.get(number) ?? 'unknown';
      const rules = filterRules(profile).filter((rule) => rule.name === name);
      for (const edge of edges(rules)) {
        const args = [arch === AUDIT_ARCH.i386 ? edge & 0xffffffffn : edge];
        const told = verdictName(evaluate(bpf, { arch, number, args }));
        const call = `${name}(${args.join()}), call ${number} of ${arch.toString(16)}: `;
        expect(call + told).toBe(call + verdictName(meaning(rules, args, RET.errno(38))));
      }
    }
  }
});

/** The same profile through libseccomp's own compiler. */
function compileByLibseccomp(profile: FilterProfile): Buffer {
  const defaultAction = actionValue(profile.defaultAction, profile.defaultErrnoRet);
  const context: ForeignArgument = ['u64', raw.call('seccomp_init', 'u64', ['u32', defaultAction])];
  const call = (name: string, ...args: ForeignArgument[]): void => {
    expect([name, raw.call(name, 'i32', context, ...args)]).toEqual([name, 0]);
  };
  call('seccomp_attr_set', ['u32', 2], ['u32', RET.KILL_PROCESS]); // SCMP_FLTATR_ACT_BADARCH
  if (profile.architectures?.includes('SCMP_ARCH_X86') === true) call('seccomp_arch_add', ['u32', AUDIT_ARCH.i386]);
  for (const { name, action, comparisons } of filterRules(profile)) {
    const number = library.resolve(AUDIT_ARCH.x86_64, name);
    if (number === -1) continue;
    const packed = Buffer.concat(comparisons.map(packComparison));
    const list: ForeignArgument = comparisons.length > 0 ? packed : ['u64', 0];
    call('seccomp_rule_add_array', ['u32', action], ['i32', number], ['u32', comparisons.length], list);
  }
  const fd = raw.call('memfd_create', 'i32', Buffer.from('bpf\0'), ['u32', 0]);
  call('seccomp_export_bpf', ['i32', fd]);
  const bpf = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bpf, 0, bpf.length, 0);
  closeSync(fd);
  raw.call('seccomp_release', 'void', context);
  return bpf;
}

function packComparison({ index, op, datumA, datumB }: ArgComparison): Buffer {
  const packed = Buffer.alloc(24);
  packed.writeUInt32LE(index, 0);
  packed.writeUInt32LE(['', 'NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].indexOf(op), 4);
  packed.writeBigUInt64LE(datumA, 8);
  packed.writeBigUInt64LE(datumB, 16);
  return packed;
}

test.each(capabilitySets)(
  'the default filter of %s agrees with what libseccomp makes of its profile',
  (_, capabilities) => {
    const profile = defaults(capabilities);
    const [ours, theirs] = [compile(profile), compileByLibseccomp(profile)];
    const rules = filterRules(profile);
    const differences: string[] = [];
    for (const arch of [AUDIT_ARCH.x86_64, AUDIT_ARCH.i386, AUDIT_ARCH.aarch64]) {
      const byNumber = namesByNumber(arch);
      for (const number of [...Array(600).keys(), 0x40000000, 0x40000001, 0xfffffffe, 0xffffffff]) {
        const name = byNumber.get(number);
        // Newer than this libseccomp.
        if (name !== undefined && library.resolve(arch, name) === -1) continue;
        for (const edge of edges(rules.filter((rule) => rule.name === name))) {
          const call = { arch, number, args: [arch === AUDIT_ARCH.i386 ? edge & 0xffffffffn : edge] };
          const verdicts = [ours, theirs].map((bpf) => verdictName(evaluate(bpf, call)));
          if (verdicts[0] !== verdicts[1]) differences.push(`${number} (${edge}) on ${arch}: ${verdicts.join(' / ')}`);
        }
      }
    }
    expect(differences).toEqual([]);
    expect(ours.length).toBeLessThan(theirs.length / 2);
  },
);

test('inequalities of several arguments hold, which libseccomp 2.5 gets wrong', () => {
  const profile: FilterProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 4, value: 5, op: 'SCMP_CMP_LT' }] },
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 4, value: 9, op: 'SCMP_CMP_GE' }] },
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] },
    ],
  };
  const bpf = compile(profile);
  const verdict = (first: bigint, fifth: bigint): string =>
    verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number: 0, args: [first, 0n, 0n, 0n, fifth] }));
  expect(verdict(0n, 4n)).toBe('ALLOW');
  expect(verdict(0n, 7n)).toBe('ERRNO 1');
  expect(verdict(1n, 7n)).toBe('ALLOW');
  expect(verdict(0n, 9n)).toBe('ALLOW');
});

test('the default filter kills who calls as x32, or on a machine that this kernel is not', () => {
  const bpf = compile(defaults([]));
  const verdict = (arch: number, number: number): string => verdictName(evaluate(bpf, { arch, number, args: [] }));
  expect(verdict(AUDIT_ARCH.x86_64, 0)).toBe('ALLOW');
  expect(verdict(AUDIT_ARCH.x86_64, 0x40000000)).toBe('KILL_PROCESS');
  expect(verdict(AUDIT_ARCH.aarch64, 63)).toBe('KILL_PROCESS');
});

test('a tracer may still skip a call', () => {
  const skipped = { arch: AUDIT_ARCH.x86_64, number: 0xffffffff, args: [] };
  expect(verdictName(evaluate(compile(defaults([])), skipped))).toBe('ERRNO 38');
});

test('a family above 2^32, which the kernel cuts down to AF_ALG, is refused like AF_ALG', () => {
  const bpf = compile(defaults([]));
  const socket = (family: bigint): string =>
    verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number: 41, args: [family] }));
  expect(socket(2n)).toBe('ALLOW');
  for (const family of [38n, 40n, (1n << 32n) | 38n, (1n << 32n) | 2n, -1n]) expect(socket(family)).toBe('ERRNO 97');
});

test('32-bit programs cannot reach through socketcall what socket refuses', () => {
  const bpf = compile(defaults([]));
  for (let call = 0n; call < 24n; call += 1n) {
    const verdict = evaluate(bpf, { arch: AUDIT_ARCH.i386, number: 102, args: [call, 38n] });
    expect(verdictName(verdict)).toBe('ERRNO 1');
  }
});

test('calls newer than all that a profile names get ENOSYS, those in between its own default', () => {
  const newest = (names: string[], defaultErrnoRet: number): string[] => {
    const bpf = compile({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet,
      syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
    });
    const numbers = [83, 423, 424, 437, 439, 440, 1023, 1024];
    return numbers.map(
      (number) => `${number}: ${verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number, args: [] }))}`,
    );
  };
  expect(newest(['read'], 1)).toMatchInlineSnapshot(`
    [
      "83: ERRNO 1",
      "423: ERRNO 1",
      "424: ERRNO 38",
      "437: ERRNO 38",
      "439: ERRNO 38",
      "440: ERRNO 38",
      "1023: ERRNO 38",
      "1024: ERRNO 1",
    ]
  `);
  expect(newest(['read', 'openat2', 'faccessat2'], 1)).toMatchInlineSnapshot(`
    [
      "83: ERRNO 1",
      "423: ERRNO 1",
      "424: ERRNO 1",
      "437: ALLOW",
      "439: ALLOW",
      "440: ERRNO 38",
      "1023: ERRNO 38",
      "1024: ERRNO 1",
    ]
  `);
});

test('a call that libseccomp does not know is left out', () => {
  const bpf = compile({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['no_such_call', 'mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
  });
  expect(verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number: 83, args: [] }))).toBe('ERRNO 28');
});

test('a profile is compiled once', () => {
  const compiler = new SeccompCompiler({ library, arch: 'x64' });
  const profile: FilterProfile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] };
  expect(compiler.compile({ ...profile })).toBe(compiler.compile({ ...profile }));
});

test('without libseccomp, the error says how to get it', () => {
  const absent = new LibSeccomp(() => {
    throw new Error('libseccomp.so.2: cannot open shared object file');
  }, []);
  expect(absent.identity).toBeUndefined();
  const compiler = new SeccompCompiler({ library: absent, arch: 'x64' });
  expect(() =>
    compiler.compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TareError: open libseccomp.so.2 (hint: apt-get install libseccomp2, or go without a filter: --security-opt seccomp=unconfined)]`,
  );
});

test('a filter that the kernel would find too long is refused', () => {
  const args = (value: number): FilterProfile['syscalls'] => [
    { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] },
  ];
  const profile: FilterProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: Array.from({ length: 5000 }, (_, i) => args(i * 2) ?? []).flat(),
  };
  expect(() => compile(profile)).toThrowErrorMatchingInlineSnapshot(
    `[TareError: fit the seccomp filter, of 5038 instructions, into 4096: E2BIG (hint: compare fewer arguments, or name fewer architectures)]`,
  );
});

/** Podman's profile names them; the containers of Debian's podman ran as user -38 before. */
test('calls that 32-bit x86 alone multiplexes do not change what getuid and setresuid are on x86-64', () => {
  const names = ['recv', 'send', 'semop', 'getuid', 'setresuid'];
  const profile: FilterProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
  };
  const bpf = compile(profile);
  for (const number of [102, 117])
    for (const first of [0n, 1n, 9n, 10n])
      expect(verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number, args: [first] }))).toBe('ALLOW');
});
