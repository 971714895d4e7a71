import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errnoName } from '../../src/linux/abi.ts';
import type { ArgComparison } from '../../src/linux/bpf-seccomp.ts';
import { LibSeccomp } from '../../src/linux/libseccomp.ts';
import { openLibrary } from '../../src/linux/native.ts';
import { SeccompCompiler, type SeccompFilter } from '../../src/linux/seccomp.ts';
import { type FilterProfile, filterRules } from '../../src/linux/seccomp-rules.ts';
import { defaultSeccompProfile } from '../../src/spec/seccomp-default.ts';
import { selectRules } from '../../src/spec/seccomp-profile.ts';
import { edges, meaning } from '../unit/linux/seccomp-meaning.ts';
import { needs } from './needs.ts';

const arch = process.arch === 'x64' ? 'x64' : 'arm64';
const library = new LibSeccomp(openLibrary);
const compiler = new SeccompCompiler({ library, arch });
const number = (name: string): number => library.resolve(arch === 'x64' ? 0xc000003e : 0xc00000b7, name);
const isX64 = arch === 'x64';

const able = needs('tool:gcc', 'tool:busybox');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-seccomp-'));
  for (const name of able ? ['seccomp-apply', 'call'] : []) {
    const source = join(import.meta.dirname, `../../fixtures/programs/${name}.c`);
    const { status, stderr } = spawnSync('gcc', ['-Wall', '-Werror', '-O1', '-o', join(dir, name), source]);
    expect([status, String(stderr)]).toEqual([0, '']);
  }
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const defaults = (...capabilities: string[]): SeccompFilter =>
  compiler.compile(selectRules(defaultSeccompProfile, { arch, kernel: [6, 1], capabilities }));

interface Outcome {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

function run(filter: SeccompFilter | undefined, ...argv: string[]): Outcome {
  const path = join(dir, 'filter');
  if (filter !== undefined) writeFileSync(path, filter.bpf);
  const under = filter === undefined ? [] : [join(dir, 'seccomp-apply'), path, String(filter.flags)];
  const [program = '', ...args] = [...under, ...argv];
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, signal, stdout, stderr };
}

/** How each call ends: `ok`, `EPERM`, `signal 31`. */
function outcomes(filter: SeccompFilter | undefined, calls: readonly string[]): string[] {
  const { status, stdout, stderr } = run(filter, join(dir, 'call'), ...calls);
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^errno (\d+)$/, (_, text: string) => errnoName(Number(text))));
}

const CLONE_FILES = 0x400;
const CLONE_NEWUTS = 0x4000000;
const CLONE_NEWUSER = 0x10000000;
const AF_UNIX = 1;
const AF_ALG = 38;

test.runIf(able && needs('root'))(
  'the default filter refuses what the kernel would grant, and lets the rest be',
  () => {
    const calls: [string, string, string, string][] = [
      // What, the call, its end without a filter, its end with the default one.
      ['a uts namespace', `${number('unshare')},${CLONE_NEWUTS}`, 'ok', 'EPERM'],
      ['a user namespace', `${number('unshare')},${CLONE_NEWUSER}`, 'ok', 'EPERM'],
      ['fds of its own', `${number('unshare')},${CLONE_FILES}`, 'ok', 'ok'],
      ['clone3 without arguments', `${number('clone3')},0,0`, 'EINVAL', 'ENOSYS'],
      ['clone into a user namespace', `${number('clone')},${CLONE_NEWUSER + 17}`, 'ok', 'EPERM'],
      ['clone', `${number('clone')},17`, 'ok', 'ok'],
      ['the session keyring', `${number('keyctl')},0,-3,1`, 'ok', 'EPERM'],
      ['mount of nothing', `${number('mount')},0,0,0,0,0`, 'EFAULT', 'EPERM'],
      ['umount of nothing', `${number('umount2')},0,0`, 'EFAULT', 'EPERM'],
      ['a root directory', `${number('chroot')},0`, 'EFAULT', 'EPERM'],
      ['bpf of nothing', `${number('bpf')},99,0,0`, 'EINVAL', 'EPERM'],
      ['events of nothing', `${number('perf_event_open')},0,0,0,0,0`, 'EFAULT', 'EPERM'],
      ['a personality', `${number('personality')},0xffffffff`, 'ok', 'ok'],
      ['a personality that executes data', `${number('personality')},0x400000`, 'ok', 'ENOSYS'],
      ['a local socket', `${number('socket')},${AF_UNIX},1,0`, 'ok', 'ok'],
      ['a local socket with a bit too many', `${number('socket')},0x100000001,1,0`, 'ok', 'EAFNOSUPPORT'],
      ['no family', `${number('socket')},99,1,0`, 'EAFNOSUPPORT', 'EAFNOSUPPORT'],
      ['a trace of itself', `${number('ptrace')},0,0,0,0`, 'ok', 'ok'],
      ['a call that there is not', '9999', 'ENOSYS', 'ENOSYS'],
    ];
    const what = calls.map(([name]) => name);
    const ends = (filter: SeccompFilter | undefined): [string, string | undefined][] => {
      const ended = outcomes(
        filter,
        calls.map(([, call]) => call),
      );
      return what.map((name, i) => [name, ended[i]]);
    };
    expect(ends(undefined)).toEqual(calls.map(([name, , without]) => [name, without]));
    expect(ends(defaults())).toEqual(calls.map(([name, , , under]) => [name, under]));
  },
);

test.runIf(able && needs('root'))('with CAP_SYS_ADMIN the default filter lets namespaces be made', () => {
  const calls = [`${number('unshare')},${CLONE_NEWUTS}`, `${number('clone3')},0,0`];
  expect(outcomes(defaults('CAP_SYS_ADMIN'), calls)).toEqual(['ok', 'EINVAL']);
  expect(outcomes(defaults('CAP_SYS_PTRACE'), calls)).toEqual(['EPERM', 'ENOSYS']);
});

test.runIf(able)('no socket of the kernel crypto code under the default filter, by whichever spelling', () => {
  const spelt = [AF_ALG, 2 ** 32 + AF_ALG].map((family) => `${number('socket')},${family},5,0`);
  expect(outcomes(defaults(), spelt)).toEqual(['EAFNOSUPPORT', 'EAFNOSUPPORT']);
});

test.runIf(able)('under the default filter, ordinary programs do their work', () => {
  const shell = run(
    defaults(),
    'busybox',
    'sh',
    '-c',
    'ls / | wc -l; (sleep 0 & wait); grep Seccomp: /proc/self/status',
  );
  expect(shell).toMatchObject({ status: 0, stderr: '' });
  expect(shell.stdout).toMatch(/Seccomp:\t2\n$/);

  const script = `
    const { Worker } = require('node:worker_threads');
    const { execFileSync } = require('node:child_process');
    const http = require('node:http');
    const server = http.createServer((_, reply) => reply.end('served'));
    server.listen(0, '127.0.0.1', async () => {
      const reply = await fetch('http://127.0.0.1:' + server.address().port);
      console.log(await reply.text(), String(execFileSync('echo', ['ran'])).trim());
      server.close();
      new Worker('console.log("worked")', { eval: true });
    });`;
  expect(run(defaults(), process.execPath, '-e', script)).toEqual({
    status: 0,
    signal: null,
    stdout: 'served ran\nworked\n',
    stderr: '',
  });

  writeFileSync(join(dir, 'hello.c'), '#include <stdio.h>\nint main(void) { puts("hello"); }\n');
  const make = `cd ${dir} && gcc -o hello hello.c && ./hello`;
  expect(run(defaults(), 'sh', '-c', make)).toMatchObject({ status: 0, stdout: 'hello\n' });
});

const has32 = isX64 && readFileSync('/proc/kallsyms', 'utf8').includes('ia32_sys_call');

test.runIf(able && has32)('32-bit calls go by their own table, and the multiplexer of sockets is shut', () => {
  const calls = ['i386:20', 'i386:310,0x4000000', `i386:359,${AF_UNIX},1,0`, `i386:359,${AF_ALG},5,0`, 'i386:102,1,0'];
  const told = outcomes(defaults(), calls);
  expect(told).toEqual(['ok', 'EPERM', 'ok', 'EAFNOSUPPORT', 'EPERM']);
  expect(outcomes(undefined, calls.slice(-1))).toEqual(['EFAULT']);
});

test.runIf(able && isX64)('an architecture that a profile does not name ends the process', () => {
  const native = compiler.compile({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'] });
  expect(outcomes(native, ['39', '0x40000027', 'i386:20'])).toEqual(['ok', 'signal 31', 'signal 31']);
  const all = compiler.compile({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] });
  expect(outcomes(all, ['39', 'i386:20'])).toEqual(['ok', 'ok']);
});

test.runIf(able).each<[FilterProfile['defaultAction'], string]>([
  ['SCMP_ACT_KILL', 'signal 31'],
  ['SCMP_ACT_KILL_PROCESS', 'signal 31'],
  ['SCMP_ACT_KILL_THREAD', 'signal 31'],
  ['SCMP_ACT_TRAP', 'signal 31'],
  ['SCMP_ACT_ERRNO', 'EBUSY'],
  // Nobody traces.
  ['SCMP_ACT_TRACE', 'ENOSYS'],
  ['SCMP_ACT_LOG', 'ok'],
])('the kernel understands %s', (action, end) => {
  const errnoRet = action === 'SCMP_ACT_ERRNO' ? 16 : undefined;
  const filter = compiler.compile({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['getppid'], action, errnoRet }],
  });
  expect(outcomes(filter, [String(number('getppid')), String(number('getpid'))])).toEqual([end, 'ok']);
});

test.runIf(able).each<[string, FilterProfile['flags'], FilterProfile['syscalls']]>([
  ['none', [], []],
  [
    'all without a listener',
    [
      'SECCOMP_FILTER_FLAG_LOG',
      'SECCOMP_FILTER_FLAG_TSYNC',
      'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
      'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
    ],
    [],
  ],
  ['a listener', [], [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }]],
  [
    'all with a listener',
    ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
    [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
  ],
])('the kernel takes the flags: %s', (_, flags, syscalls) => {
  const filter = compiler.compile({ defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls });
  expect(run(filter, 'true')).toMatchObject({ status: 0, stderr: '' });
});

const datum = fc.constantFrom(0, 1, 7, 0x7e020000, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 7, 2 ** 53 - 1, 2 ** 64);
const rule = fc.record({
  names: fc.constant(['getppid']),
  action: fc.constant('SCMP_ACT_ERRNO' as const),
  errnoRet: fc.integer({ min: 2, max: 100 }),
  args: fc.array(
    fc.record({
      index: fc.nat(5),
      value: datum,
      valueTwo: datum,
      op: fc
        .constantFrom<ArgComparison['op'][]>('NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ')
        .map((op) => `SCMP_CMP_${op}` as const),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

test.runIf(able)('the kernel decides as the profile says, whatever it compares', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { minLength: 31 }),
      (syscalls, dice) => {
        const profile: FilterProfile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
        const rules = filterRules(profile);
        const values = edges(rules);
        let rolled = 0;
        const value = (): bigint => values[dice[rolled++ % dice.length]! % values.length]!;
        const tries = Array.from({ length: 40 }, () => Array.from({ length: 6 }, value));
        const expected = tries.map((args) => {
          const action = meaning(rules, args, 0);
          return action === 0 ? 'ok' : errnoName(action & 0xffff);
        });
        const calls = tries.map((args) => `${number('getppid')},${args.join()}`);
        expect(outcomes(compiler.compile(profile), calls)).toEqual(expected);
      },
    ),
    { numRuns: 25 },
  );
});
