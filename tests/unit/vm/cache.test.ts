import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allKept, keep, kept } from '../../../src/vm/cache.ts';

let dir: string;
let room: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-vm-cache-'));
  room = join(dir, 'deep/room');
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const write = (text: string) => (draft: string) => writeFile(draft, text);
const never = (): never => {
  throw new Error('made twice');
};

test('an entry is made once and then found', async () => {
  expect(kept(room, 'a')).toBeUndefined();
  const path = await keep(room, 'a', write('one'));
  expect(readFileSync(path, 'utf8')).toBe('one');
  expect(await keep(room, 'a', never)).toBe(path);
  expect(kept(room, 'a')).toBe(path);
  expect(allKept(room)).toEqual(['a']);
});

test('two that make the same directory at once both get it, whole', async () => {
  const both = ['one', 'two'].map((text) =>
    keep(room, 'a', async (draft) => {
      await mkdir(draft);
      await writeFile(join(draft, 'first'), text);
      await writeFile(join(draft, 'second'), text);
    }),
  );
  const [path = ''] = await Promise.all(both);
  expect(readFileSync(join(path, 'first'), 'utf8')).toBe(readFileSync(join(path, 'second'), 'utf8'));
  expect(readdirSync(room)).toEqual(['a']);
});

test('what fails halfway leaves nothing, and its error is passed on', async () => {
  const half = async (draft: string): Promise<void> => {
    await mkdir(draft);
    await writeFile(join(draft, 'first'), '');
    throw new Error('a tool failed');
  };
  await expect(keep(room, 'a', half)).rejects.toThrow('a tool failed');
  expect(readdirSync(room)).toEqual([]);
});

test('a cache that others may write to is refused', async () => {
  await keep(room, 'a', write('one'));
  chmodSync(room, 0o777);
  const refused = 'EPERM (hint: it must belong to this user, and only this user may write to it)';
  await expect(keep(room, 'b', write('two'))).rejects.toThrow(refused);
  expect(() => kept(room, 'a')).toThrow(refused);
  expect(() => allKept(room)).toThrow(refused);
});

test('a place that cannot be written to is named', async () => {
  writeFileSync(join(dir, 'deep'), 'a file');
  await expect(keep(room, 'a', write('one'))).rejects.toThrow(`write to the cache ${room}: ENOTDIR`);
});

test('drafts of processes that were killed long ago are removed, others are not', async () => {
  mkdirSync(room, { recursive: true, mode: 0o700 });
  writeFileSync(join(room, 'old.1.draft'), '');
  writeFileSync(join(room, 'new.1.draft'), '');
  const yesterday = Date.now() / 1000 - 86_400;
  utimesSync(join(room, 'old.1.draft'), yesterday, yesterday);
  await keep(room, 'a', write('one'));
  expect(existsSync(join(room, 'new.1.draft'))).toBe(true);
  expect(readdirSync(room)).toEqual(['a', 'new.1.draft']);
  expect(allKept(room)).toEqual(['a']);
});
