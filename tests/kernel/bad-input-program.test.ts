/**
 * What is not a whole program is refused, by libtare and by tare-init alike; what is one never leads outside its own memory.
 *
 * The programs make harmless calls only, and only their structure is damaged: what a call does with a wrong number is the
 * kernel's affair.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode } from '../../src/launch/encode.ts';
import { cell, data, type Program, ProgramBuilder, strings } from '../../src/launch/program.ts';
import { builtFile, type Native, openNative } from '../../src/linux/native.ts';
import { needs } from './needs.ts';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const able = needs('root');

/** All that a program can hold: strings, blocks that point at each other, cells of both widths, skips, a report, a trace. */
function harmless(): Program {
  const b = new ProgramBuilder().stage('test');
  const half = cell('half');
  const pid = b.result('pid', 'ask for the own pid', 'getpid', []);
  b.op('close nothing', 'close', [-1], { allow: ['EBADF'] });
  b.unless(
    'close nothing, and skip',
    'close',
    [-1],
    { allow: ['EBADF', 'EINTR'], retry: { on: 'EINTR', times: 3 } },
    () => {
      b.op('not made', 'getpid', []);
    },
  );
  const block = data('{a, b}', [
    { u32: 1 },
    { cell: half, width: 4 },
    { address: strings(['one', 'two']) },
    { slot: pid },
  ]);
  b.op('look at a block', 'getpid', [block, 'text', pid, half], { into: half });
  b.op('end', 'halt', []);
  return { ops: b.ops, report: cell('report', -1) };
}

const whole = encode(harmless(), { arch, trace: true }).bytes;
const copy = (): Buffer => {
  // Programs are relocated in place: none may lie in memory that others share.
  const memory = Buffer.allocUnsafeSlow(whole.length);
  whole.copy(memory);
  return memory;
};

let native: Native;
let place = '';
beforeAll(() => {
  native = openNative();
  place = mkdtempSync(join(tmpdir(), 'tare-test-'));
});
afterAll(() => rmSync(place, { recursive: true }));

const halted = 2;

/** What libtare makes of it: EBADMSG, or the state it ended in. */
function runHere(program: Buffer): string | number {
  try {
    native.run(program);
    return program.readUInt32LE(40);
  } catch (error) {
    return (error as { errno?: string }).errno ?? String(error);
  }
}

/** How tare-init ends with this for its program; it has no child to wait for. */
function runThere(program: Buffer): string | number {
  const file = join(place, 'program');
  writeFileSync(file, program);
  const fd = openSync(file, 'r+');
  const { status, signal } = spawnSync(builtFile('tare-init'), ['3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  closeSync(fd);
  return status ?? signal ?? 'nothing';
}

test.runIf(able)('a whole program runs, here and there', () => {
  expect(runHere(copy())).toBe(halted);
  expect(runThere(copy())).toBe(0);
});

test.runIf(able)('a program that has been cut off is refused', () => {
  for (let length = 0; length < whole.length; length += 8) {
    const cut = copy().subarray(0, length);
    expect([length, runHere(cut)]).toEqual([length, 'EBADMSG']);
  }
  for (let length = 0; length < whole.length; length += 88) {
    expect([length, runThere(copy().subarray(0, length))]).toEqual([length, 125]);
  }
});

test.runIf(able)('a program that is said to be shorter or longer than it is', () => {
  for (let size = 0; size < whole.length; size += 8) {
    const program = copy();
    program.writeUInt32LE(size, 8);
    expect([size, runHere(program)]).toEqual([size, 'EBADMSG']);
  }
  for (const size of [whole.length + 8, 2 ** 31, 2 ** 32 - 8, 2 ** 32 - 1]) {
    const program = copy();
    program.writeUInt32LE(size, 8);
    expect([runHere(program), runThere(program)]).toEqual(['EBADMSG', 125]);
  }
});

/** Offsets in the header, and of the first op. */
const at = { ops: 64, relocs: 24, trace: 36, into: 64 + 4 };

test.runIf(able)('nothing that is written while it runs may lie where it has been checked', () => {
  const relocs = whole.readUInt32LE(at.relocs);
  for (const [field, target] of [
    [at.into, at.ops + 88],
    [at.into, 8],
    [relocs, at.ops + 16],
    [at.trace, at.ops],
  ] as const) {
    const program = copy();
    program.writeUInt32LE(target, field);
    expect([field, runHere(program), runThere(program)]).toEqual([field, 'EBADMSG', 125]);
  }
});

/**
 * Of the header all but which calls there are and whom a failure is told, since that would make other calls. Of each op
 * where its result goes, the kinds of its arguments, widths, counts and the way to skip.
 */
const header = [0, 4, 8, 20, 24, 32, 36].flatMap((field) => [0, 1, 2, 3].map((byte) => field + byte));
const structural = [4, 5, 6, 7, 64, 65, 66, 67, 68, 69, 70, 71, 80, 81];
const inOps = harmless().ops.flatMap((_, index) => structural.map((at) => 64 + index * 88 + at));
const places = [...header, ...inOps];

const damage = fc.array(fc.tuple(fc.constantFrom(...places), fc.integer({ min: 0, max: 255 })), {
  minLength: 1,
  maxLength: 4,
});

function damaged(changes: readonly (readonly [number, number])[]): Buffer {
  const program = copy();
  for (const [at, byte] of changes) program.writeUInt8(byte, at);
  return program;
}

test.runIf(able)('a damaged program is refused, or ends as one does', () => {
  fc.assert(
    fc.property(damage, (changes) => {
      expect(['EBADMSG', 2, 3]).toContain(runHere(damaged(changes)));
    }),
    { numRuns: 5000 },
  );
});

test.runIf(able)('tare-init never crashes over a damaged program', () => {
  fc.assert(
    fc.property(damage, (changes) => {
      expect([0, 125]).toContain(runThere(damaged(changes)));
    }),
    { numRuns: 200 },
  );
});

test.runIf(able)('tare-init without a program', () => {
  const init = builtFile('tare-init');
  const status = (...argv: string[]) => spawnSync(init, argv, { stdio: 'ignore' }).status;
  expect(status()).toBe(125);
  expect(status('9')).toBe(125);
  expect(status('0')).toBe(125);
  expect(status('-1')).toBe(125);
  expect(status('99999999999999999999')).toBe(125);
  expect(status('x')).toBe(125);
});
