/** Ids of a container that are others on the host, when root makes it. An ordinary user's: tests/kernel/rootless.test.ts. */
import { chmodSync, chownSync, cpSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create } from '../../../src/index.ts';
import { readStatus } from '../../../src/linux/proc.ts';
import { bind, bundle, inside, temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay', 'userns');

const shift = (containerID: number, hostID: number, size: number) => [{ containerID, hostID, size }];
const shifted: Partial<CreateOptions> = {
  uidMappings: shift(0, 100_000, 65_536),
  gidMappings: shift(0, 200_000, 65_536),
};

test.runIf(able)('root inside is somebody else outside', async () => {
  await using box = await create({ image: 'busybox', args: ['sleep', '60'], ...shifted });
  await box.start();
  const { uid, gid } = readStatus(box.pid);
  expect([uid.real, gid.real, statSync(`/proc/${box.pid}`).uid]).toEqual([100_000, 200_000, 100_000]);
  const look = 'id -u; id -g; tr -s " " < /proc/self/uid_map; tr -s " " < /proc/self/gid_map; cat /proc/self/setgroups';
  expect((await inside(look, shifted)).split('\n').map((line) => line.trim())).toEqual([
    ...['0', '0', '0 100000 65536', '0 200000 65536', 'allow'],
  ]);
});

test.runIf(able)('users and groups of the map can be had, others do not exist', async () => {
  const place = temporaryDirectory();
  chownSync(place, 101_000, 201_000);
  writeFileSync(join(place, 'foreign'), '');
  const request = { ...shifted, user: '1000:1000', groupAdd: ['7'], mounts: [bind(place, '/volume')] };
  const look = 'id -u; id -G; touch /volume/own; stat -c %u:%g /volume /volume/own /volume/foreign';
  expect((await inside(look, request)).split('\n')).toEqual([
    ...['1000', '1000 7', '1000:1000', '1000:1000', '65534:65534'],
  ]);
  const { uid, gid } = statSync(join(place, 'own'));
  expect([uid, gid]).toEqual([101_000, 201_000]);
  await expect(inside('true', { ...shifted, user: '70000' })).rejects.toThrow(/uid 70000.*not mapped/);
});

test.runIf(able)('power inside is none outside', async () => {
  const place = temporaryDirectory();
  writeFileSync(join(place, 'secret'), 'secret\n', { mode: 0o600 });
  const attempt =
    'cat /volume/secret 2>&1; touch /volume/new 2>&1; mount -t tmpfs none /mnt && echo mounted; hostname renamed; hostname';
  const request = { ...shifted, capAdd: ['ALL'], mounts: [bind(place, '/volume')] };
  expect((await inside(attempt, request)).split('\n')).toEqual([
    "cat: can't open '/volume/secret': Permission denied",
    'touch: /volume/new: Permission denied',
    'mounted',
    'renamed',
  ]);
});

test.runIf(able)('several ranges come together in one map', async () => {
  const maps = [...shift(0, 100_000, 10), ...shift(10, 300_000, 10), ...shift(1000, 0, 1)];
  const place = temporaryDirectory();
  const request = { uidMappings: maps, mounts: [bind(place, '/volume')], user: '1000' };
  expect(await inside('touch /volume/file; stat -c %u /volume/file; wc -l < /proc/self/uid_map', request)).toBe(
    '1000\n3',
  );
  expect(statSync(join(place, 'file')).uid).toBe(0);
});

test.runIf(able)('what the image holds is its own, wherever the image lies, and the image stays as it is', async () => {
  const place = temporaryDirectory();
  cpSync('/bin/busybox', join(place, 'closed/rootfs/bin/sh'), { recursive: true });
  chmodSync(join(place, 'closed'), 0o700); // nobody but root passes here, least of all the root inside
  const request = { ...shifted, image: `dir:${join(place, 'closed/rootfs')}` };
  expect(await inside('echo "I am pid $$"', request)).toBe('I am pid 1');
  const owner = 'stat -c %u:%g /bin/busybox';
  expect(await inside(`${owner}; chown 5:6 /bin/busybox; ${owner}`, shifted)).toBe('0:0\n5:6');
  expect(await inside(owner, shifted)).toBe('0:0');
});

test.runIf(able)('a map need not hold root', async () => {
  const request = { uidMappings: shift(1000, 100_000, 10), user: '1000:1000' };
  expect(await inside('id -u; id -g; touch /dev/shm/file && stat -c %u /dev/shm/file', request)).toBe(
    '1000\n1000\n1000',
  );
});

test.runIf(able)('the image host and a bundle work with shifted ids', async () => {
  expect(await inside('id -u; ls -d /usr/bin/env; touch /etc/new && echo written', { ...shifted, image: 'host' })).toBe(
    '0\n/usr/bin/env\nwritten',
  );
  const image = bundle((spec) => ({
    ...spec,
    linux: {
      ...spec.linux,
      namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: shift(0, 100_000, 65_536),
      gidMappings: shift(0, 100_000, 65_536),
      devices: [{ path: '/dev/fifo', type: 'p', fileMode: 0o640 }],
    },
  }));
  expect(await inside('id -u; stat -c "%F %a" /dev/fifo; echo > /dev/null && echo null', { image })).toBe(
    '0\nfifo 640\nnull',
  );
});
