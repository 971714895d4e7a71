import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kept } from '../../../src/vm/cache.ts';
import { forgottenAfter, prune, pruneDaily } from '../../../src/vm/prune.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tare-vm-prune-'));
});
afterEach(() => {
  rmSync(cache, { recursive: true });
});

/** @param age when it was used last, in seconds */
function entry(path: string, age: number): string {
  const full = join(cache, path);
  mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
  writeFileSync(full, 'x');
  const then = Date.now() / 1000 - age;
  utimesSync(full, then, then);
  return full;
}

function kernel(name: string, age: number): string {
  entry(`kernel/${name}/vmlinux`, age);
  const then = Date.now() / 1000 - age;
  utimesSync(join(cache, 'kernel', name), then, then);
  return join(cache, 'kernel', name);
}

const removed = (options = {}): string[] =>
  prune({ cache, ...options })
    .map(({ path }) => basename(path))
    .sort();

test('what was used within the last minute stays, and use is noted', () => {
  const old = entry('disk/old.erofs', 3600);
  entry('disk/new.erofs', 5);
  expect(kept(join(cache, 'disk'), 'old.erofs')).toBe(old);
  expect(Date.now() - statSync(old).mtimeMs).toBeLessThan(60_000);
  expect(removed()).toEqual([]);
  entry('disk/old.erofs', 3600);
  expect(removed()).toEqual(['old.erofs']);
  expect(existsSync(old)).toBe(false);
});

test('an age in days spares what was used since', () => {
  entry('initramfs/a', 2 * 86_400);
  entry('initramfs/b', 9 * 86_400);
  expect(removed({ unusedFor: 7 * 86_400_000 })).toEqual(['b']);
});

test('the newest kernel of each flavour stays, unless all are to go', () => {
  kernel('linux-image-6.1.0-18-cloud-amd64_6.1.76-1', 3600);
  kernel('linux-image-6.1.0-9-cloud-amd64_6.1.27-1', 3600);
  kernel('linux-image-6.1.0-18-amd64_6.1.76-1', 3600);
  kernel('own-0123', 3600);
  expect(removed()).toEqual(['linux-image-6.1.0-9-cloud-amd64_6.1.27-1', 'own-0123']);
  expect(removed({ kernels: true })).toHaveLength(2);
});

test('what a snapshot needs stays, and the snapshot itself', () => {
  const [image, first, home] = [entry('disk/i.erofs', 3600), entry('initramfs/f', 3600), kernel('own-1', 3600)];
  entry('disk/other.erofs', 3600);
  const machine = { kernel: join(home, 'vmlinux'), initramfs: first, disks: [{ path: image, readOnly: true }] };
  entry('snapshot/warm/snapshot.json', 3600);
  writeFileSync(join(cache, 'snapshot/warm/snapshot.json'), JSON.stringify({ format: 1, name: 'warm', machine }));
  expect(removed({ kernels: true })).toEqual(['other.erofs']);
  expect(existsSync(join(cache, 'snapshot/warm/snapshot.json'))).toBe(true);
});

test('drafts are not entries: whoever makes one may be at it', () => {
  entry('disk/x.erofs.1234.draft', 3600);
  expect(removed()).toEqual([]);
});

test('once a day what nobody has used for a month goes by itself', () => {
  const month = forgottenAfter / 1000;
  const [forgotten, recent] = [entry('disk/forgotten.erofs', month + 60), entry('disk/recent.erofs', month - 3600)];
  entry('pruned/last', 3600);
  pruneDaily(cache);
  expect(existsSync(forgotten)).toBe(true);
  entry('pruned/last', 90_000);
  pruneDaily(cache);
  expect([existsSync(forgotten), existsSync(recent)]).toEqual([false, true]);
  expect(Date.now() - statSync(join(cache, 'pruned/last')).mtimeMs).toBeLessThan(60_000);
});
