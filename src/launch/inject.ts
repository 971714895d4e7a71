/**
 * Fault injection: the same program, in which one op fails. Pure.
 *
 * What takes the op's place is a call that the kernel refuses while it looks at the arguments, whoever makes it and
 * whatever the machine holds: nothing has happened when it returns. After a seccomp filter that forbids even that call,
 * the filter's own errno comes instead, which is a failure all the same.
 */
import type { Errno } from '../linux/abi.ts';
import { AT_FDCWD, flags, named, O } from '../linux/flags.ts';
import type { Op, Program } from './program.ts';

/** Calls that cannot succeed, by what they fail with. */
const refusals = {
  /** mknodat(2) makes no directories, not even for root. */
  EPERM: { call: 'mknodat', args: [AT_FDCWD, '/', named(0o040000, 'S_IFDIR'), 0] },
  /** path_resolution(7): an empty path names nothing. */
  ENOENT: { call: 'chdir', args: [''] },
  /** kill(2): far above the highest pid that a kernel can be told to give, 2^22. */
  ESRCH: { call: 'kill', args: [0x7fffffff, 0] },
  /** close(2). */
  EBADF: { call: 'close', args: [-1] },
  /** open(2): nothing is mapped at the end of the address space. */
  EFAULT: { call: 'openat', args: [AT_FDCWD, -1, flags(O, 'PATH', 'CLOEXEC'), 0] },
  /** mkdirat(2): the root is always there. */
  EEXIST: { call: 'mkdirat', args: [AT_FDCWD, '/', 0] },
  /** dup3(2): unlike dup2, it refuses a file descriptor onto itself. */
  EINVAL: { call: 'dup3', args: [0, 0, 0] },
} as const satisfies Partial<Record<Errno, Pick<Op, 'call' | 'args'>>>;

/** What an op can be made to fail with. */
export type InjectedErrno = keyof typeof refusals;

export const injectedErrnos = Object.keys(refusals) as readonly InjectedErrno[];

/**
 * The program in which the op at `index` fails. Its reason, stage, hints and cell stay, so that the error names it; what it
 * would forgive (`allow`, `skip`, `retry`) goes.
 * @throws RangeError if the program has no such op
 */
export function failAt(program: Program, index: number, errno: InjectedErrno = 'EPERM'): Program {
  const op = program.ops[index];
  if (op === undefined) throw new RangeError(`op ${index} of a program that has ${program.ops.length}`);
  const { allow: _allow, skip: _skip, retry: _retry, min: _min, short: _short, ...kept } = op;
  return { ...program, ops: program.ops.with(index, { ...kept, ...refusals[errno] }) };
}
