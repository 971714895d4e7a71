import { expect, test } from 'vitest';
import { readStamps } from '../../../src/launch/stamps.ts';
import { type TimedOp, timeline, toJson } from '../../../src/launch/trace.ts';
import { at, bootstrap, forking, forkingStamps, marks, program, stamps, stampsOf } from './timelines.ts';

const row = ({ index, syscall, startNs, wallNs, cpuNs, blockedNs, skipped, beside }: TimedOp): string =>
  [
    `${index} ${syscall}`,
    skipped ? 'skipped' : `${startNs}+${wallNs}`,
    ...(cpuNs === undefined ? [] : [`cpu ${cpuNs}`, `blocked ${blockedNs}`]),
    ...(beside ? ['beside'] : []),
  ].join(', ');

test('an op lasts until the next one that was made, on the CPU or off it', () => {
  expect(timeline(program, stamps).ops.map(row)).toMatchInlineSnapshot(`
    [
      "0 close_range, 0+2000, cpu 2000, blocked 0",
      "1 unshare, 2000+48000, cpu 43000, blocked 5000",
      "2 unshare, 50000+600000, cpu 560000, blocked 40000",
      "3 sethostname, 650000+2000, cpu 2000, blocked 0",
      "4 openat2, 652000+8000, cpu 7000, blocked 1000",
      "5 fsopen, skipped",
      "6 move_mount, skipped",
      "7 pivot_root, 660000+100000, cpu 50000, blocked 50000",
      "8 umount2, 760000+600000, cpu 60000, blocked 540000",
      "9 execve, 1360000+10000, cpu 10000, blocked 0",
      "10 execve, 1370000+0",
      "11 execve, skipped",
    ]
  `);
});

test('the call that executes lasts until the payload has taken over; how long it was on the CPU nobody knows', () => {
  const { ops, totalNs, payloadNs } = timeline(program, stamps, { executed: at(2000), exited: at(2500) });
  expect(ops[10]).toMatchObject({ startNs: 1_370_000, wallNs: 230_000 });
  expect(ops[10]).not.toHaveProperty('cpuNs');
  expect([totalNs, payloadNs]).toEqual([1_600_000, 500_000]);
});

test('a call that failed lasts until the process was gone', () => {
  const failed = stampsOf([[0, 0], [10, 10], ...Array.from({ length: 11 }, () => undefined)]);
  const { ops, totalNs, payloadNs } = timeline(program, failed, { exited: at(25) });
  expect(ops.filter(({ skipped }) => !skipped).map(row)).toEqual([
    '0 close_range, 0+10000, cpu 10000, blocked 0',
    '1 unshare, 10000+15000',
  ]);
  expect([totalNs, payloadNs]).toEqual([25_000, undefined]);
});

test('a program that ends by itself has a stamp for its end', () => {
  const { ops, totalNs } = timeline(
    { ops: program.ops.slice(0, 1) },
    stampsOf([
      [3, 1],
      [7, 2],
    ]),
  );
  expect(ops.map(row)).toEqual(['0 close_range, 0+4000, cpu 1000, blocked 3000']);
  expect(totalNs).toBe(4000);
});

test('what came before: the request, clone3, the bootstrap with numbers below zero', () => {
  const { ops, phases, totalNs } = timeline(program, stamps, { ...marks, bootstrap });
  expect(phases).toMatchInlineSnapshot(`
    [
      {
        "name": "request",
        "startNs": 0,
        "wallNs": 120000,
        "why": "prepare the program",
      },
      {
        "name": "clone",
        "startNs": 120000,
        "wallNs": 120000,
        "why": "clone3 makes the process",
      },
    ]
  `);
  expect(ops.slice(0, 3).map(row)).toMatchInlineSnapshot(`
    [
      "-2 dup3, 240000+5000, cpu 5000, blocked 0",
      "-1 execveat, 245000+155000, cpu 143000, blocked 12000",
      "0 close_range, 400000+2000, cpu 2000, blocked 0",
    ]
  `);
  expect(totalNs).toBe(2_000_000);
});

test('without the stamps of the bootstrap it is a phase, whose CPU time is what the thread had by its first stamp', () => {
  expect(
    timeline(program, stamps, marks).phases.map(({ name, startNs, wallNs, cpuNs }) => [name, startNs, wallNs, cpuNs]),
  ).toEqual([
    ['request', 0, 120_000, undefined],
    ['bootstrap', 120_000, 280_000, 150_000],
  ]);
  expect(timeline(program, stamps, { request: at(0) }).phases).toMatchObject([{ name: 'request', wallNs: 400_000 }]);
});

test('a mark later than the first stamp does not turn time back', () => {
  const { phases, ops } = timeline(program, stamps, { cloned: at(450) });
  expect(phases).toMatchObject([{ startNs: 0, wallNs: 0 }]);
  expect(ops[0]?.startNs).toBe(0);
});

test('stages add up to their calls, and the whole to its stages', () => {
  const { stages, cpuNs, blockedNs, calls, stampNs } = timeline(program, stamps, marks);
  expect(
    stages.map(({ name, calls, startNs, wallNs, cpuNs, blockedNs }) => [
      name,
      calls,
      startNs,
      wallNs,
      cpuNs,
      blockedNs,
    ]),
  ).toMatchInlineSnapshot(`
    [
      [
        "guard",
        1,
        400000,
        2000,
        2000,
        0,
      ],
      [
        "namespaces",
        3,
        402000,
        650000,
        605000,
        45000,
      ],
      [
        "seal",
        1,
        1052000,
        8000,
        7000,
        1000,
      ],
      [
        "pivot",
        2,
        1060000,
        700000,
        110000,
        590000,
      ],
      [
        "start",
        2,
        1760000,
        240000,
        10000,
        0,
      ],
    ]
  `);
  expect(cpuNs).toBe(stages.reduce((sum, stage) => sum + (stage.cpuNs ?? 0), 0));
  expect(blockedNs).toBe(stages.reduce((sum, stage) => sum + (stage.blockedNs ?? 0), 0));
  expect([calls, stampNs]).toEqual([9, 2000]);
});

test('after a fork two processes have each their clock; who stays behind is part of no sum', () => {
  const { ops, stages, calls, totalNs } = timeline(forking, forkingStamps, { executed: at(120) });
  expect(ops.map(row)).toMatchInlineSnapshot(`
    [
      "0 umask, 0+5000, cpu 5000, blocked 0",
      "1 clone, 5000+85000",
      "2 close_range, 100000+30000, cpu 30000, blocked 0, beside",
      "3 halt, 130000+10000, cpu 10000, blocked 0, beside",
      "4 rt_sigprocmask, 90000+5000, cpu 5000, blocked 0",
      "5 execve, 95000+25000",
    ]
  `);
  expect(stages).toMatchObject([{ calls: 6, wallNs: 120_000, cpuNs: 10_000, blockedNs: 0 }]);
  expect([calls, totalNs]).toEqual([6, 120_000]);
});

test('a thread that seems to have run for longer than time went by was on the CPU all the time', () => {
  const { ops } = timeline(
    { ops: program.ops.slice(0, 2) },
    stampsOf([
      [0, 0],
      [5, 6],
      [9, 5],
    ]),
  );
  expect(ops.map(row)).toEqual([
    '0 close_range, 0+5000, cpu 5000, blocked 0',
    '1 unshare, 5000+4000, cpu 0, blocked 4000',
  ]);
});

test('nothing stamped is nothing timed', () => {
  expect(timeline(program, [])).toMatchObject({ totalNs: 0, calls: 0, stampNs: 0, stages: [], phases: [] });
});

test('as JSON: a version, the totals, and one call a line', () => {
  const short = timeline(
    { ops: program.ops.slice(0, 2) },
    stampsOf([
      [0, 0],
      [5, 2],
      [9, 5],
    ]),
    { request: at(-1) },
  );
  const text = toJson(short);
  expect(text).toMatchInlineSnapshot(`
    "{
      "version": 1,
      "totalNs": 10000,
      "cpuNs": 5000,
      "blockedNs": 4000,
      "calls": 2,
      "stampNs": 4000,
      "phases": [
        {"name":"request","why":"prepare the program, and clone3","startNs":0,"wallNs":1000}
      ],
      "stages": [
        {"name":"guard","calls":1,"startNs":1000,"wallNs":5000,"cpuNs":2000,"blockedNs":3000},
        {"name":"namespaces","calls":1,"startNs":6000,"wallNs":4000,"cpuNs":3000,"blockedNs":1000}
      ],
      "ops": [
        {"index":0,"stage":"guard","syscall":"close_range","call":"close_range()","why":"let no file of the runtime reach the payload","startNs":1000,"wallNs":5000,"cpuNs":2000,"blockedNs":3000,"skipped":false,"beside":false},
        {"index":1,"stage":"namespaces","syscall":"unshare","call":"unshare()","why":"make a mount table of its own","startNs":6000,"wallNs":4000,"cpuNs":3000,"blockedNs":1000,"skipped":false,"beside":false}
      ]
    }
    "
  `);
  expect(JSON.parse(text)).toEqual({ version: 1, ...JSON.parse(JSON.stringify(short)) });
  expect(() => JSON.parse(toJson(timeline(program, []))) as unknown).not.toThrow();
});

test('stamps are read as native/launch.h lays them out; an op without one was not made', () => {
  const bytes = Buffer.alloc(48);
  bytes.writeBigUInt64LE(5n, 0);
  bytes.writeBigUInt64LE(3n, 8);
  bytes.writeBigUInt64LE(2n ** 63n, 32);
  expect(readStamps(bytes, 2)).toEqual([
    { wall: 5n, cpu: 3n },
    { wall: undefined, cpu: 0n },
    { wall: 2n ** 63n, cpu: 0n },
  ]);
});
