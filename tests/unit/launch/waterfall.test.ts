import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timeline } from '../../../src/launch/trace.ts';
import { type Paint, waterfall } from '../../../src/launch/waterfall.ts';
import { rowsOf, slowest, ticks } from '../../../src/launch/waterfall-rows.ts';
import { bootstrap, forking, forkingStamps, marks, program, stamps, stampsOf } from './timelines.ts';

const start = timeline(program, stamps, { ...marks, bootstrap });

test('at 80 columns', () => {
  expect(waterfall(start)).toMatchInlineSnapshot(`
    "                                             ms 0       0.5     1.0     1.5
    request prepare the program               0.120 ▒▒
    clone clone3 makes the process            0.120  ▒▒▒
    bootstrap                                 0.160    ━━━
      execveat execute tare-init              0.155    ███
      + 1 more call                           0.005
    guard 1 call                              0.002       ▏
    namespaces                                0.650       ━━━━━━━━━━━
      unshare make a mount table of its own   0.048       ▊
    ▸ unshare make a network stack of its own 0.600        █████████░
      + 1 more call                           0.002
    seal 1 call                               0.008                 ▏
    pivot                                     0.700                 ━━━━━━━━━━━━
      pivot_root make it the root of this mo… 0.100                 ██░
    ▸ umount2 let go of the host's files      0.600                   █░░░░░░░░░
    start                                     0.240                             ━━━━
    ▸ execve execute true                     0.230                             ▒▒▒▒
      + 1 more call                           0.010

    █ on the CPU   ░ off it: waiting, or the turn of others   ▒ not known which
    2.000 ms in all, 11 calls made, 3 not needed
    0.882 ms on the CPU, 0.648 ms off it, 0.470 ms not known which
    slowest: make a network stack of its own 0.600 ms (30%), let go of the host's
     files 0.600 ms (30%), execute true 0.230 ms (12%)
    the payload then ran for 0.500 ms
    reading the clocks is part of every call: at most 2.00 µs each, 0.02 ms in all
    "
  `);
});

test('at 120 columns', () => {
  expect(waterfall(start, { columns: 120 })).toMatchInlineSnapshot(`
    "                                                         ms 0     0.2   0.4   0.6   0.8   1.0   1.2   1.4   1.6   1.8
    request prepare the program                           0.120 ▒▒▒▒
    clone clone3 makes the process                        0.120    ▒▒▒▒
    bootstrap                                             0.160        ━━━━━
      execveat execute tare-init                          0.155        █████
      + 1 more call                                       0.005
    guard 1 call                                          0.002             ▏
    namespaces                                            0.650             ━━━━━━━━━━━━━━━━━━━━
      unshare make a mount table of its own               0.048             ██
    ▸ unshare make a network stack of its own             0.600              ██████████████████░
      + 1 more call                                       0.002
    seal 1 call                                           0.008                                ▎
    pivot                                                 0.700                                ━━━━━━━━━━━━━━━━━━━━━━
      pivot_root make it the root of this mount namespace 0.100                                ██░░
    ▸ umount2 let go of the host's files                  0.600                                   ██░░░░░░░░░░░░░░░░░
    start                                                 0.240                                                     ━━━━━━━━
    ▸ execve execute true                                 0.230                                                      ▒▒▒▒▒▒▒
      + 1 more call                                       0.010

    █ on the CPU   ░ off it: waiting, or the turn of others   ▒ not known which
    2.000 ms in all, 11 calls made, 3 not needed
    0.882 ms on the CPU, 0.648 ms off it, 0.470 ms not known which
    slowest: make a network stack of its own 0.600 ms (30%), let go of the host's files 0.600 ms (30%), execute true
     0.230 ms (12%)
    the payload then ran for 0.500 ms
    reading the clocks is part of every call: at most 2.00 µs each, 0.02 ms in all
    "
  `);
});

test('every call, in ASCII', () => {
  const text = waterfall(start, { all: true, ascii: true });
  expect(text).toMatchInlineSnapshot(`
    "                                             ms 0       0.5     1.0     1.5
    request prepare the program               0.120 ==
    clone clone3 makes the process            0.120  ===
    bootstrap                                 0.160    ---
      dup3 put file descriptor 0 in place     0.005    |
      execveat execute tare-init              0.155    ###
    guard                                     0.002       -
      close_range let no file of the runtime~ 0.002       |
    namespaces                                0.650       -----------
      unshare make a mount table of its own   0.048       |
    > unshare make a network stack of its own 0.600        #########.
      sethostname set the host name           0.002                 |
    seal                                      0.008                 -
      openat2 look for the directory /proc/a~ 0.008                 |
    pivot                                     0.700                 ------------
      pivot_root make it the root of this mo~ 0.100                 ##.
    > umount2 let go of the host's files      0.600                   #.........
    start                                     0.240                             ----
      execve execute /bin/true, if it is the~ 0.010                             |
    > execve execute true                     0.230                             ====

    # on the CPU   . off it: waiting, or the turn of others   = not known which
    2.000 ms in all, 11 calls made, 3 not needed
    0.882 ms on the CPU, 0.648 ms off it, 0.470 ms not known which
    slowest: make a network stack of its own 0.600 ms (30%), let go of the host's
     files 0.600 ms (30%), execute true 0.230 ms (12%)
    the payload then ran for 0.500 ms
    reading the clocks is part of every call: at most 2.00 us each, 0.02 ms in all
    "
  `);
  expect(text).toMatch(/^[\n\x20-\x7e]*$/);
});

test('a narrower terminal is taken for one of 80 columns', () => {
  expect(waterfall(start, { columns: 40 })).toBe(waterfall(start, { columns: 80 }));
});

test('colours change nothing but colours', () => {
  const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const color: Paint = {
    bold: mark('b'),
    dim: mark('d'),
    cyan: mark('c'),
    green: mark('g'),
    yellow: mark('y'),
    red: mark('r'),
  };
  const painted = waterfall(start, { color });
  const plain = (text: string) => text.split('\n').map((line) => line.trimEnd());
  expect(plain(painted.replace(/<\/?[a-z]>/g, ''))).toEqual(plain(waterfall(start)));
  expect(painted.split('\n').find((line) => line.includes('umount2'))).toMatchInlineSnapshot(
    `"<r>▸</r> <c>umount2</c> let go of the host's files      <b><r>0.600</r></b>                   <g>█</g><y>░░░░░░░░░</y>"`,
  );
});

test('what a fork left behind is shown, and marked, only when all is', () => {
  const forked = timeline(forking, forkingStamps, { executed: 7_000_120_000n });
  expect(waterfall(forked)).not.toContain('meanwhile');
  expect(waterfall(forked, { all: true, columns: 120 })).toContain('halt stay as pid 1 (another process, meanwhile)');
});

test('what never began has no bars', () => {
  expect(waterfall(timeline(program, []))).toMatchInlineSnapshot(`
    "      ms 0

    █ on the CPU   ░ off it: waiting, or the turn of others   ▒ not known which
    0.000 ms in all, 0 calls made, 12 not needed
    0.000 ms on the CPU, 0.000 ms off it, 0.000 ms not known which
    reading the clocks is part of every call: at most 0.00 µs each, 0.00 ms in all
    "
  `);
});

test('no control character of a path reaches the terminal', () => {
  const evil = { ops: [{ ...program.ops[0]!, why: 'bind \u001b[2J\u0007' }] };
  expect(
    waterfall(
      timeline(
        evil,
        stampsOf([
          [0, 0],
          [9, 9],
        ]),
      ),
      { all: true },
    ),
  ).toContain('bind ?[2J?');
});

test('the slowest three, slowest first', () => {
  expect(slowest(start).map(({ index }) => index)).toEqual([2, 8, 10]);
  expect(rowsOf(start).filter(({ slow }) => slow)).toHaveLength(3);
});

test('an axis has round numbers', () => {
  const labels = (ms: number, count: number) => ticks(ms * 1e6, count).map(({ label }) => label);
  expect(labels(2.1, 5)).toEqual(['0', '0.5', '1.0', '1.5', '2.0']);
  expect(labels(0.037, 4)).toEqual(['0', '0.01', '0.02', '0.03']);
  expect(labels(1234, 5)).toEqual(['0', '500', '1000']);
  expect(labels(0, 5)).toEqual(['0']);
});

test('whatever the times and the width: no line is longer, and the numbers stand in one column', () => {
  const moments = fc.array(fc.option(fc.tuple(fc.nat(5_000_000), fc.nat(1000)), { nil: undefined }), {
    minLength: 13,
    maxLength: 13,
  });
  fc.assert(
    fc.property(moments, fc.integer({ min: 80, max: 300 }), fc.boolean(), (list, columns, all) => {
      let [wall, cpu] = [0, 0];
      const rising = list.map((step): [number, number] | undefined =>
        step === undefined ? undefined : [(wall += step[0]), (cpu += Math.min(...step))],
      );
      const lines = waterfall(timeline(program, stampsOf(rising), { executed: marks.executed }), {
        columns,
        all,
      }).split('\n');
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      const numbers = lines.slice(1, lines.indexOf('')).map((line) => /\d\.\d{3}(?= |$)/.exec(line)?.index);
      expect(new Set(numbers).size).toBeLessThanOrEqual(1);
    }),
  );
});
