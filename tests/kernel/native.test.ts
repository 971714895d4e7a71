/** The native code as it was built: small, alone below clone3, clean, and the same on arm64. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode } from '../../src/launch/encode.ts';
import { cell, type Program, ProgramBuilder } from '../../src/launch/program.ts';
import type { Arch } from '../../src/linux/abi.ts';
import { needs } from './needs.ts';

const root = join(import.meta.dirname, '../..');
const built = (arch: 'host' | 'arm64', name: string) =>
  join(root, arch === 'host' ? 'native/build' : 'native/build/arm64', name);

const run = (command: string, ...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(command, args, { cwd: root, encoding: 'utf8' });

/** Symbols that an object expects others to define. */
const undefinedSymbols = (object: string) =>
  run('nm', '--undefined-only', '--format=just-symbols', object).stdout.split('\n').filter(Boolean);

const own = ['tare_check', 'tare_interpret'];
/** Of tare-guest's parts, which refer to each other. */
const parts = /^(leave|(wire|payload)_\w+)$/;

test.runIf(needs('tool:nm'))('nothing below clone3 refers to libc', () => {
  expect(undefinedSymbols(built('host', 'interpreter.o'))).toEqual([]);
  expect(undefinedSymbols(built('host', 'tare-init.o')).filter((name) => !own.includes(name))).toEqual([]);
  for (const object of ['tare-guest.o', 'guest-wire.o', 'guest-payload.o'])
    expect(undefinedSymbols(built('host', object)).filter((name) => !own.includes(name) && !parts.test(name))).toEqual(
      [],
    );
  // The contrast: the part above it does.
  expect(undefinedSymbols(built('host', 'spawn.o'))).toContain('pthread_create');
});

test.runIf(needs('tool:readelf')).each(['tare-init', 'tare-guest'])(
  '%s needs no other file and no executable stack',
  (name) => {
    const init = built('host', name);
    expect(run('readelf', '--program-headers', '--wide', init).stdout).not.toMatch(/INTERP|DYNAMIC|RWE/);
    expect(statSync(init).size).toBeLessThan(16 * 1024);
  },
);

test.runIf(needs('tool:gcc'))('the proof-reader of gcc has nothing to say', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = run(process.execPath, 'scripts/build/analyze.mjs');
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});

/** Writes two words to the file that is its fd 4, one by way of a cell, and leaves with 7; every number is of that architecture. */
function speaks(arch: Arch): Buffer {
  const b = new ProgramBuilder().stage('test');
  const out = cell('out', 4);
  b.op('speak', 'write', [out, 'made of ', 8], { min: 8 });
  const length = b.result('length', 'speak on', 'write', [4, 'calls\n', 6]);
  b.unless('close nothing', 'close', [-1], { allow: ['EBADF'] }, () => {
    b.op('not made', 'exit_group', [1]);
  });
  b.op('leave', 'exit_group', [length]);
  const program: Program = { ops: b.ops };
  return Buffer.from(encode(program, { arch }).bytes);
}

let place = '';
beforeAll(() => (place = mkdtempSync(join(tmpdir(), 'tare-test-'))));
afterAll(() => rmSync(place, { recursive: true }));

/** How tare-init ends with a program that is its fd 3, and what it wrote to its fd 4. */
function interpret(program: Buffer, ...command: [string, ...string[]]): [status: number | null, wrote: string] {
  const [file, output] = [join(place, 'program'), join(place, 'output')];
  writeFileSync(file, program);
  const fds = [openSync(file, 'r+'), openSync(output, 'w')];
  const [name, ...args] = command;
  const { status } = spawnSync(name, [...args, '3'], { stdio: ['ignore', 'ignore', 'inherit', ...fds] });
  fds.forEach((fd) => closeSync(fd));
  return [status, readFileSync(output, 'utf8')];
}

test('tare-init interprets', () => {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  expect(interpret(speaks(arch), built('host', 'tare-init'))).toEqual([6, 'made of calls\n']);
});

const cross = process.arch === 'x64' && needs('tool:aarch64-linux-gnu-gcc');

test.runIf(cross)('it compiles for arm64, as strictly, and as alone', () => {
  const { status, stderr } = run(process.execPath, 'scripts/build.mjs', '--arch', 'arm64');
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/warning|error/);
  const header = run('readelf', '--file-header', built('arm64', 'tare-init')).stdout;
  expect(header).toMatch(/Machine:\s+AArch64/);
  expect(statSync(built('arm64', 'tare-init')).size).toBeLessThan(16 * 1024);
  const symbols = (name: string) =>
    run('aarch64-linux-gnu-nm', '--undefined-only', '--format=just-symbols', built('arm64', name)).stdout;
  expect(symbols('interpreter.o')).toBe('');
  expect(symbols('tare-init.o').split('\n').filter(Boolean).sort()).toEqual(own);
});

test.runIf(cross && needs('tool:qemu-aarch64'))('tare-init interprets on arm64', () => {
  const init = built('arm64', 'tare-init');
  expect(interpret(speaks('arm64'), 'qemu-aarch64', init)).toEqual([6, 'made of calls\n']);
  // The contrast: a program for the other architecture names other calls.
  expect(interpret(speaks('x64'), 'qemu-aarch64', init)).not.toEqual([6, 'made of calls\n']);
});
