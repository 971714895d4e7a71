/** Files of an image that tare itself reads: they are the image's author's. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../src/index.ts';
import { temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay', 'busybox');

function image(): string {
  const place = temporaryDirectory();
  mkdirSync(join(place, 'etc'));
  return place;
}

const start = (place: string) => run({ image: `dir:${place}`, args: ['/none'], stdio: 'ignore' });

test.runIf(able)('a device in the place of passwd is not read', async () => {
  const place = image();
  spawnSync('mknod', [join(place, 'etc/passwd'), 'c', '1', '5']);
  await expect(start(place)).rejects.toThrow('read /etc/passwd of the image (hint: it is no ordinary file');
});

test.runIf(able)('nor a passwd without bounds', async () => {
  const place = image();
  writeFileSync(join(place, 'etc/passwd'), Buffer.alloc(4 * 2 ** 20 + 1));
  await expect(start(place)).rejects.toThrow('read /etc/passwd of the image (hint: it is no ordinary file');
});

test.runIf(able)('a link out of the image leads nowhere', async () => {
  const place = image();
  symlinkSync('../../../../../../etc/shadow', join(place, 'etc/passwd'));
  await expect(start(place)).rejects.toThrow('execute /none: ENOENT');
});
