import { expect, test } from 'vitest';
import { diffChapters } from '../../../src/launch/diff.ts';
import { cell, data, type Op, type Program } from '../../../src/launch/program.ts';
import { compiled, facts, specFor } from './examples.ts';

const names = ['before', 'after'] as const;
const diff = (one: Program, other: Program) => diffChapters([{ program: one }], [{ program: other }], names);

test('a network of the host is some calls less, each shown with its reason and its neighbours', () => {
  const { patch, ...rest } = diff(compiled(), compiled(specFor({ namespaces: { network: 'host' }, hostname: 'x' })));
  expect(patch.slice(0, patch.indexOf('@@ devices'))).toContain(`--- before
+++ after
@@ -4,12 +4,8 @@ namespaces, from call 3 on
 unshare(CLONE_NEWNS)                          make a mount table of its own
 unshare(CLONE_NEWUTS)                         make a host name of its own
 unshare(CLONE_NEWIPC)                         make System V IPC and message queues of its own
-unshare(CLONE_NEWNET)                         make a network stack of its own
 unshare(CLONE_NEWCGROUP)                      make a view of the cgroup tree that begins at its own
-$socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)  open a socket to configure the network
`);
  expect(rest.changes[0]).toEqual({
    side: 'one',
    stage: 'namespaces',
    index: 6,
    call: 'unshare(CLONE_NEWNET)',
    why: 'make a network stack of its own',
  });
  expect(rest.same + rest.one).toBe(compiled().ops.length);
});

test('one start compared with itself has no difference', () => {
  const { ops } = compiled();
  expect(diff(compiled(), compiled())).toEqual({ same: ops.length, one: 0, other: 0, changes: [], patch: '' });
});

test('filters that read the same, and forbid other calls, are told apart', () => {
  const seccomp = { bpf: new Uint8Array(24).fill(1), flags: 0, notify: false };
  const { patch } = diff(compiled(), compiled(specFor(), { ...facts, seccomp }));
  expect(patch.split('\n').filter((line) => /^[-+][^-+]/.test(line))).toEqual([
    '-seccomp(SECCOMP_SET_MODE_FILTER, 0, {len: 3, filter})  filter its system calls',
    '+seccomp(SECCOMP_SET_MODE_FILTER, 0, {len: 3, filter})  // another one  filter its system calls',
  ]);
});

test('who runs a program is a line too, and options of a machine count like calls', () => {
  const close: Op = { stage: 'end', why: 'close it', call: 'close', args: [cell('file')] };
  const program = { ops: [close] };
  const rows = [['-m 64', 'its memory']] as const;
  const one = [{ title: 'born by clone3(0)', program }];
  const other = [{ title: 'born by clone3(CLONE_NEWUSER)', program }, { rows }];
  const { patch, same, other: more } = diffChapters(one, other, names);
  expect([same, more]).toEqual([1, 1]);
  expect(patch).toMatchInlineSnapshot(`
    "--- before
    +++ after
    @@ -1,2 +1,3 @@ from the first call on
    -born by clone3(0)
    +born by clone3(CLONE_NEWUSER)
     close($file)                                  close it
    +-m 64                                         its memory
    "
  `);
});

test('a text of several lines stays on one', () => {
  const write = (text: string): Program => ({
    ops: [{ stage: 's', why: 'write', call: 'write', args: [cell('file'), data(text, [])] }],
  });
  expect(diff(write('a\nb'), write('c')).patch).toContain('-write($file, a\\nb)');
});
