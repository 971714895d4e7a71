/** A disk that fills up under the layer which takes the writes: the payload hears of it, or tare says so; nothing is left. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { run } from '../../src/container/run.ts';
import { changes, type HostState, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox');
const engine = new Engine();

beforeAll(async () => {
  if (able) await warmUp(engine);
});

let disk = '';
let before: HostState = {};

function mountDisk(options: string): void {
  disk = mkdtempSync(join(tmpdir(), 'tare-test-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tare-test', disk], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`mount a small disk: ${stderr}`);
}

beforeEach(() => (before = observeHost(engine)));
afterEach(() => {
  spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true });
  expect(changes(before, observeHost(engine))).toEqual([]);
});

/** Uses up what is left. */
function fill(): void {
  const file = join(disk, 'filler');
  for (const size of [65_536, 4096]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // full
    }
  }
}

const start = async (...args: string[]) =>
  run(engine, { image: 'busybox', upper: disk, args, stdio: 'pipe' }).then(
    ({ exitCode, stdout, stderr }) => `${exitCode}: ${stdout}${stderr}`,
    (error: Error) => error.message.replaceAll(disk, 'DISK'),
  );

test.runIf(able)('the payload that fills it is told', async () => {
  mountDisk('size=1m');
  expect(await start('dd', 'if=/dev/zero', 'of=/big', 'bs=64k', 'count=64')).toMatch(/^1: .*No space left on device/s);
  // What it has written stays, as asked.
  expect(readdirSync(join(disk, 'upper'))).toContain('big');
});

test.runIf(able)('one that is full already can still be read', async () => {
  mountDisk('size=1m');
  expect(await start('true')).toBe('0: ');
  fill();
  expect(await start('sh', '-c', 'cat /etc/passwd >/dev/null && echo read; echo more >/file')).toMatchInlineSnapshot(`
    "1: read
    sh: write error: No space left on device
    "
  `);
});

test.runIf(able)('one that has no room for another directory', async () => {
  mountDisk('size=1m,nr_inodes=1');
  expect(await start('true')).toMatchInlineSnapshot(`"make DISK/upper: ENOSPC (hint: the filesystem is full)"`);
});

test.runIf(able)('one that has no room for another file', async () => {
  mountDisk('size=1m,nr_inodes=8');
  const results = new Set<string>();
  for (let taken = 0; taken < 8; taken += 1) {
    results.add(await start('sh', '-c', 'echo more >/file'));
    rmSync(join(disk, 'upper/file'), { force: true });
    spawnSync('touch', [join(disk, `taken${taken}`)]);
  }
  expect([...results]).toMatchInlineSnapshot(`
    [
      "0: ",
      "put the image under a writable layer: ENOSPC (hint: a layer that takes writes is full, or there are too many mounts: see /proc/sys/fs/mount-max)",
    ]
  `);
});

test.runIf(able)('one that is read-only', async () => {
  mountDisk('size=1m,ro');
  expect(await start('true')).toMatchInlineSnapshot(`"make DISK/upper: EROFS (hint: the filesystem is read-only)"`);
});
