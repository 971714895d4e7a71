import { absolutePath, integer, listOf, objectOf, oneOf, required, text, uint64 } from '../shape.ts';
import type { Seccomp, SeccompArg, SeccompRule } from '../spec.ts';

const action = oneOf('a seccomp action', [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);

const architecture = oneOf('an architecture of libseccomp', [
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
]);

/** A filter's return value has 16 bits for it (seccomp(2), SECCOMP_RET_DATA). */
const errno = integer(0, 2 ** 16 - 1);

const argument = objectOf<SeccompArg>({
  index: required(integer(0, 5)),
  value: required(uint64),
  valueTwo: uint64,
  op: required(
    oneOf('a comparison of libseccomp', [
      'SCMP_CMP_NE',
      'SCMP_CMP_LT',
      'SCMP_CMP_LE',
      'SCMP_CMP_EQ',
      'SCMP_CMP_GE',
      'SCMP_CMP_GT',
      'SCMP_CMP_MASKED_EQ',
    ]),
  ),
});

const rule = objectOf<SeccompRule>({
  names: required(listOf(text)),
  action: required(action),
  errnoRet: errno,
  args: listOf(argument),
});

export const seccomp = objectOf<Seccomp>({
  defaultAction: required(action),
  defaultErrnoRet: errno,
  architectures: listOf(architecture),
  flags: listOf(
    oneOf('a flag of seccomp(2)', [
      'SECCOMP_FILTER_FLAG_TSYNC',
      'SECCOMP_FILTER_FLAG_LOG',
      'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
      'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
    ]),
  ),
  listenerPath: absolutePath,
  listenerMetadata: text,
  syscalls: listOf(rule),
});
