import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LibSeccomp } from '../../../src/linux/libseccomp.ts';
import { openLibrary } from '../../../src/linux/native.ts';
import { SeccompCompiler } from '../../../src/linux/seccomp.ts';
import { cacheFileName, readCachedFilter, writeCachedFilter } from '../../../src/linux/seccomp-cache.ts';
import type { FilterProfile } from '../../../src/linux/seccomp-rules.ts';

const key = 'all that a filter depends on';
const bpf = Buffer.from('06000000000000ff', 'hex');
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-seccomp-cache-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const file = (): string => join(dir, cacheFileName(key));

test('what was written is read, from a file that only its owner may touch', () => {
  const deep = join(dir, 'a/b');
  expect(writeCachedFilter(deep, key, bpf)).toBe(true);
  expect(readCachedFilter(deep, key)).toEqual(bpf);
  expect(readdirSync(deep)).toEqual([cacheFileName(key)]);
});

test('nothing is read where nothing was written', () => {
  expect(readCachedFilter(dir, key)).toBeUndefined();
  expect(readCachedFilter(join(dir, 'absent'), key)).toBeUndefined();
});

test('a byte changed, cut off or added makes the file worthless', () => {
  writeCachedFilter(dir, key, bpf);
  const good = readFileSync(file());
  for (let i = 0; i < good.length; i += 1) {
    const bad = Buffer.from(good);
    bad[i]! ^= 1;
    writeFileSync(file(), bad);
    expect(readCachedFilter(dir, key)).toBeUndefined();
  }
  for (const bad of [
    good.subarray(0, -1),
    good.subarray(0, 16 + key.length),
    Buffer.alloc(0),
    Buffer.concat([good, good]),
  ]) {
    writeFileSync(file(), bad);
    expect(readCachedFilter(dir, key)).toBeUndefined();
  }
  writeFileSync(file(), good);
  expect(readCachedFilter(dir, key)).toEqual(bpf);
});

test("another filter's file under this name is seen", () => {
  const other = 'all that another depends on.';
  writeCachedFilter(dir, other, bpf);
  renameSync(join(dir, cacheFileName(other)), file());
  expect(readCachedFilter(dir, key)).toBeUndefined();
});

test.each([0o777, 0o770])('a directory of mode %o is neither read nor written', (mode) => {
  writeCachedFilter(dir, key, bpf);
  chmodSync(dir, mode);
  expect(readCachedFilter(dir, key)).toBeUndefined();
  expect(writeCachedFilter(dir, 'a third', bpf)).toBe(false);
});

test('a file that others may write, or a link, is not trusted', () => {
  writeCachedFilter(dir, key, bpf);
  chmodSync(file(), 0o666);
  expect(readCachedFilter(dir, key)).toBeUndefined();
  chmodSync(file(), 0o600);
  renameSync(file(), join(dir, 'elsewhere'));
  symlinkSync('elsewhere', file());
  expect(readCachedFilter(dir, key)).toBeUndefined();
});

test.runIf(process.geteuid?.() === 0)("somebody else's file or directory is not trusted", () => {
  writeCachedFilter(dir, key, bpf);
  chownSync(file(), 12345, 12345);
  expect(readCachedFilter(dir, key)).toBeUndefined();
  chownSync(file(), 0, 0);
  chownSync(dir, 12345, 12345);
  expect(readCachedFilter(dir, key)).toBeUndefined();
  expect(writeCachedFilter(dir, key, bpf)).toBe(false);
});

test('a directory that cannot be made is no error', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(writeCachedFilter(join(dir, 'file/below'), key, bpf)).toBe(false);
});

test('a damaged file is written anew, and the next process needs no library', () => {
  const profile: FilterProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }],
  };
  const compile = (open: typeof openLibrary): Buffer =>
    new SeccompCompiler({ library: new LibSeccomp(open), arch: 'x64', cacheDir: dir }).compile(profile).bpf;
  const forbidden = (): never => {
    throw new Error('the library was opened');
  };
  const made = compile(openLibrary);
  expect(compile(forbidden)).toEqual(made);

  const [name = ''] = readdirSync(dir);
  writeFileSync(join(dir, name), 'damaged');
  expect(() => compile(forbidden)).toThrow('libseccomp');
  expect(compile(openLibrary)).toEqual(made);
  expect(compile(forbidden)).toEqual(made);
});
