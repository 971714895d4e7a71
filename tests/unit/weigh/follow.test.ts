import { expect, test } from 'vitest';
import type { Timeline, TimedOp } from '../../../src/launch/trace.ts';
import { machineSpans } from '../../../src/weigh/follow-machine.ts';
import { spansOf } from '../../../src/weigh/follow.ts';

const op = (why: string, stage: string, startNs: number, wallNs: number, more: Partial<TimedOp> = {}): TimedOp => ({
  index: 0,
  stage,
  syscall: 'mount',
  call: '',
  why,
  startNs,
  wallNs,
  skipped: false,
  beside: false,
  ...more,
});

const timeline: Timeline = {
  totalNs: 900_000,
  cpuNs: 0,
  blockedNs: 0,
  calls: 3,
  stampNs: 0,
  phases: [{ name: 'request', why: 'prepare the program', startNs: 0, wallNs: 300_000 }],
  stages: [
    { name: 'root', calls: 2, startNs: 300_000, wallNs: 200_000 },
    { name: 'start', calls: 1, startNs: 500_000, wallNs: 400_000 },
  ],
  ops: [
    op('stack the layers', 'root', 300_000, 150_000),
    op('never made', 'root', 450_000, 0, { skipped: true }),
    op('enter it', 'root', 450_000, 50_000),
    op('execute it', 'start', 500_000, 400_000),
  ],
};

test('a traced start becomes spans from the request to nothing left, steps behind their phase', () => {
  const lines = spansOf(timeline, 1_200_000, 2_000_000).map(
    ({ name, begin, end, depth }) => `${begin.toFixed(2)} ${end.toFixed(2)} ${'  '.repeat(depth)}${name}`,
  );
  expect(lines).toMatchInlineSnapshot(`
    [
      "0.00 0.30 prepare the program",
      "0.30 0.50 root",
      "0.30 0.45   stack the layers",
      "0.45 0.50   enter it",
      "0.50 0.90 start",
      "0.50 0.90   execute it",
      "0.90 1.20 payload, until its first byte is here",
      "1.20 2.00 its end, and nothing is left",
    ]
  `);
});

test('phases follow each other without a gap', () => {
  const phases = spansOf(timeline, 1_200_000, 2_000_000).filter(({ depth }) => depth === 0);
  for (const [index, { begin }] of phases.entries()) if (index > 0) expect(begin).toBe(phases[index - 1]?.end);
});

test('a machine’s start is its firmware, its kernel, its init with every step, and the payload', () => {
  const machine: Timeline = {
    ...timeline,
    totalNs: 9_000_000,
    phases: [
      { name: 'request', why: 'find the kernel and the disks', startNs: 0, wallNs: 1_000_000 },
      { name: 'qemu', why: 'QEMU starts, in its jail', startNs: 1_000_000, wallNs: 2_000_000 },
      { name: 'firmware', why: 'and the kernel, until its clock runs', startNs: 3_000_000, wallNs: 1_000_000 },
      { name: 'kernel', why: 'until it executes pid 1', startNs: 4_000_000, wallNs: 4_000_000 },
    ],
    ops: [
      op('open the channel', 'boot channel', 8_100_000, 100_000),
      op('execute it', 'payload start', 8_500_000, 500_000),
    ],
  };
  const lines = machineSpans(machine, 9_500_000, 12_000_000).map(
    ({ name, begin, end, depth }) => `${begin.toFixed(1)} ${end.toFixed(1)} ${'  '.repeat(depth)}${name}`,
  );
  expect(lines).toMatchInlineSnapshot(`
    [
      "0.0 1.0 prepare",
      "1.0 3.0 QEMU",
      "3.0 4.0 firmware",
      "4.0 8.0 kernel",
      "8.0 9.0 init",
      "8.1 8.2   open the channel",
      "8.5 9.0   execute it",
      "9.0 9.5 payload",
      "9.5 12.0 its end, and nothing is left",
    ]
  `);
});
