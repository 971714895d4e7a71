import { expect, test } from 'vitest';

import { programSource } from '../../../bench/peers/program-source.ts';
import { flags, O } from '../../../src/linux/flags.ts';
import { cell, data, ProgramBuilder } from '../../../src/launch/program.ts';

const source = (b: ProgramBuilder) => programSource({ ops: b.ops }, { arch: 'x64', name: 'it', known: new Map() }).text;

test('an op is its call, what becomes of the result, and what counts as failure', () => {
  const b = new ProgramBuilder();
  const root = b.result('root', 'open "the" root', 'openat', [-100, '/a"b', flags(O, 'PATH'), 0]);
  b.op('go there', 'fchdir', [root], { allow: ['ENOENT', 'EACCES'] });
  b.op('read', 'read', [root, data('{byte}', [{ u64: 0 }]), 1], { min: 1, retry: { on: 'EAGAIN', times: 3 } });
  expect(source(b)).toMatchInlineSnapshot(`
    "static struct __attribute__((packed, aligned(16))) { uint64_t f0; } it_block0 = { (uint64_t)0LL };
    static long it_root0 = 0;

    static int run_it(void) {
      long r;
      int tries;
      (void)tries;
      /* 0 openat: open "the" root */
      r = tare_syscall(257, -100LL, (long)"/a\\042b", 2097152LL, 0LL, 0LL, 0LL);
      it_root0 = r;
      if (r < 0) { failed_errno = -r; return 0; }
      /* 1 fchdir: go there */
      r = tare_syscall(81, (long)it_root0, 0LL, 0LL, 0LL, 0LL, 0LL);
      if (r < 0 && !(r == -2 || r == -13)) { failed_errno = -r; return 1; }
      /* 2 read: read */
      tries = 3;
      do r = tare_syscall(0, (long)it_root0, (long)&it_block0, 1LL, 0LL, 0LL, 0LL); while (r == -11 && tries-- > 0);
      if (r < 1) { failed_errno = -r; return 2; }
      return -1;
    }
    "
  `);
});

test('an allowed failure jumps over what would have followed success', () => {
  const b = new ProgramBuilder();
  b.ifFound('look', 'openat', [-100, '/x', 0, 0], { allow: ['ENOENT'] }, (found) => {
    b.op('close it', 'close', [found]);
  });
  b.op('end', 'exit_group', [0]);
  expect(source(b)).toMatch(/if \(r == -2\) goto l2;[^]*l2:\n {2}\/\* 2 exit_group: end \*\//);
});

test('a cell that lives in a block is a member of it, for earlier ops too', () => {
  const b = new ProgramBuilder();
  const fd = cell('fd');
  b.op('open', 'openat', [-100, '/x', 0, 0], { into: fd });
  b.op('hand it over', 'write', [1, data('{fd}', [{ u32: 1 }, { cell: fd, width: 4 }]), 8]);
  expect(source(b)).toContain('it_block0.f1 = r;');
});
