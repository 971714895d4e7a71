import { expect, test } from 'vitest';
import { explainCall } from '../../../src/launch/explain.ts';
import { describeFailure } from '../../../src/launch/failure.ts';
import { failAt, injectedErrnos } from '../../../src/launch/inject.ts';
import { cell, type Program } from '../../../src/launch/program.ts';
import { errnos } from '../../../src/linux/abi.ts';
import { compiled } from './examples.ts';

const found = cell('found');
const program: Program = {
  ops: [
    {
      why: 'look for it',
      call: 'openat2',
      args: [found, 'x'],
      into: found,
      allow: ['ENOENT'],
      skip: 1,
      retry: { on: 'EAGAIN', times: 3 },
      hints: { EPERM: 'ask nicely' },
      stage: 'seal',
    },
    { why: 'wait for it', call: 'read', args: [found], min: 1, short: 'gone', stage: 'seal' },
    { why: 'leave', call: 'halt', args: [], stage: 'seal' },
  ],
  report: cell('sync', 4),
};

test('the op fails where it stood: its reason, cell and hints stay, and nothing is forgiven', () => {
  const broken = failAt(program, 0);
  expect(broken.ops[0]).toEqual({
    why: 'look for it',
    call: 'mknodat',
    args: expect.anything() as unknown,
    into: found,
    hints: { EPERM: 'ask nicely' },
    stage: 'seal',
  });
  expect(describeFailure(broken, 0, errnos.EPERM).message).toBe('look for it: EPERM (hint: ask nicely)');
});

test('all else is as it was, the first program too', () => {
  const broken = failAt(program, 1);
  expect(broken.report).toBe(program.report);
  expect([broken.ops[0], broken.ops[2]]).toEqual([program.ops[0], program.ops[2]]);
  expect(broken.ops[1]).not.toHaveProperty('min');
  expect(program.ops[1]?.call).toBe('read');
});

test('the end of a program can fail too', () => {
  expect(failAt(program, 2).ops[2]?.call).toBe('mknodat');
});

test('each errno has a call that cannot but end in it', () => {
  const calls = injectedErrnos.map((errno) => `${errno}: ${explainCall(failAt(program, 2, errno).ops[2]!)}`);
  expect(calls).toMatchInlineSnapshot(`
    [
      "EPERM: mknodat(AT_FDCWD, "/", S_IFDIR, 0)",
      "ENOENT: chdir("")",
      "ESRCH: kill(2147483647, 0)",
      "EBADF: close(-1)",
      "EFAULT: openat(AT_FDCWD, -1, O_PATH|O_CLOEXEC, 0)",
      "EEXIST: mkdirat(AT_FDCWD, "/", 0)",
      "EINVAL: dup3(0, 0, 0)",
    ]
  `);
});

test('every op of a whole program has its turn', () => {
  const whole = compiled();
  whole.ops.forEach((op, index) => expect(failAt(whole, index).ops[index]?.why).toBe(op.why));
});

test('an op that is not there', () => {
  expect(() => failAt(program, 3)).toThrow('op 3 of a program that has 3');
});
