import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseMountinfo, readMountinfo } from '../../../src/linux/proc.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import {
  bundle,
  inside,
  insideLayers,
  mountsInside,
  smallRoot,
  temporaryDirectory,
  tmpfsHasAttributes,
} from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');
const tare = join(import.meta.dirname, '../../../bin/tare');

/** Everything below a directory, with the times of change: what nobody has written to stays equal. */
function census(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mtimeMs, ctimeMs, mode } = lstatSync(join(directory, name));
    return `${name} ${mode.toString(8)} ${mtimeMs} ${ctimeMs}`;
  });
}

test.runIf(able)('what is written is thrown away, and the image stays as it was', async () => {
  const image = smallRoot(temporaryDirectory());
  writeFileSync(join(image, 'etc/motd'), 'hello\n');
  const before = census(image);
  const change =
    'echo new > /new; echo changed > /etc/motd; rm -r /tmp; cat /new /etc/motd; ls -d /tmp 2>/dev/null; true';
  expect(await inside(change, { image: `dir:${image}` })).toBe('new\nchanged');
  expect(await inside('cat /etc/motd; ls -d /new /tmp 2>/dev/null; true', { image: `dir:${image}` })).toBe(
    'hello\n/tmp',
  );
  expect(census(image)).toEqual(before);
});

test.runIf(able)('what is written is kept where it is asked for, and the image stays as it was', async () => {
  const image = smallRoot(temporaryDirectory());
  const upper = temporaryDirectory();
  const before = census(image);
  const request = { image: `dir:${image}`, upper };
  await inside('echo kept > /kept; rm -r /tmp', request);
  expect(await inside('cat /kept; ls -d /tmp 2>/dev/null; true', request)).toBe('kept');
  expect(readFileSync(join(upper, 'upper/kept'), 'utf8')).toBe('kept\n');
  expect(lstatSync(join(upper, 'upper/tmp')).isCharacterDevice()).toBe(true);
  expect(census(image)).toEqual(before);
});

test.runIf(able)('a directory that is removed and made again is empty, in a user namespace too', async () => {
  const again = 'rm -r /etc && mkdir /etc && ls /etc; echo made';
  expect(await inside(again)).toBe('made');
  if (tmpfsHasAttributes) expect(await inside(again, { namespaces: { user: 'new' } })).toBe('made');
});

test.runIf(able)('the upper of several layers hides what it replaces, and what it removes', async () => {
  const [low, high] = [temporaryDirectory(), temporaryDirectory()];
  for (const name of ['one', 'two', 'three']) writeFileSync(join(low, name), `low ${name}\n`);
  writeFileSync(join(high, 'two'), 'high two\n');
  spawnSync('mknod', [join(high, 'three'), 'c', '0', '0']);
  expect(await insideLayers('cat /one /two; ls /three 2>/dev/null; true', [high, low])).toBe('low one\nhigh two');
});

test.runIf(able)('a hundred and fifty layers come together', async () => {
  const place = join(temporaryDirectory(), 'a-name-so-long-that-one-page-cannot-hold-them-all');
  const layers = Array.from({ length: 150 }, (_, index) => join(place, String(index)));
  for (const [index, layer] of layers.entries()) {
    mkdirSync(layer, { recursive: true });
    writeFileSync(join(layer, `file-${index}`), '');
    writeFileSync(join(layer, 'topmost'), `${index}\n`);
  }
  const seen = await insideLayers('cat /topmost; ls / | grep -c ^file-; pwd', layers);
  expect(seen.split('\n')).toEqual(['0', '150', '/']);
});

test.runIf(able)('layers may lie at paths that overlayfs reads otherwise', async () => {
  const odd = join(temporaryDirectory(), 'a:b,c\\d "e" = f');
  const [layer, upper] = [join(odd, 'layer:'), join(odd, 'upper,')];
  mkdirSync(layer, { recursive: true });
  for (const name of ['upper', 'work']) mkdirSync(join(upper, name), { recursive: true });
  writeFileSync(join(layer, 'odd'), 'found\n');
  expect(await insideLayers('cat /odd; echo kept > /kept', [layer], upper)).toBe('found');
  expect(readFileSync(join(upper, 'upper/kept'), 'utf8')).toBe('kept\n');
});

test.runIf(able)('a bundle is a directory that is written to', async () => {
  const place = temporaryDirectory();
  const image = bundle((spec) => spec, place);
  expect(await inside('echo written > /file; cat /proc/sys/kernel/hostname', { image })).toBe('bundle');
  expect(readFileSync(join(place, 'rootfs/file'), 'utf8')).toBe('written\n');
  // Devices were made in the container's own /dev.
  expect(readdirSync(join(place, 'rootfs/dev'))).toEqual([]);
});

test.runIf(able)('paths of a bundle are those of its own directory', async () => {
  const place = temporaryDirectory();
  mkdirSync(join(place, 'data'));
  writeFileSync(join(place, 'data/mark'), 'found\n');
  const image = bundle((spec) => {
    const data = { destination: '/tmp', type: 'bind', source: 'data', options: ['rbind', 'ro'] };
    return { ...spec, mounts: [...(spec.mounts ?? []), data] };
  }, place);
  expect(await inside('cat /tmp/mark', { image })).toBe('found');
});

test.runIf(able)('a read-only root refuses to be written to, and mounts on it do not', async () => {
  const attempt = 'touch /file 2>&1; touch /dev/shm/file && echo written';
  expect(await inside(attempt, { readOnly: true })).toBe('touch: /file: Read-only file system\nwritten');
  const place = temporaryDirectory();
  const image = bundle((spec) => ({ ...spec, root: { ...spec.root, readonly: true } }), place);
  expect(await inside('touch /file 2>&1; touch /dev/file && echo written', { image })).toBe(
    'touch: /file: Read-only file system\nwritten',
  );
  expect(existsSync(join(place, 'rootfs/file'))).toBe(false);
});

test.runIf(able)('nothing of the host is mounted but what the container was given', async () => {
  const places = [...(await mountsInside({ systemPaths: 'unconfined' })).keys()];
  expect(places.filter((place) => !/^\/(proc|sys|dev)(\/|$)/.test(place))).toEqual(['/']);
  expect(places.length).toBeLessThan(10);
});

const withPropagation =
  (rootfsPropagation: NonNullable<Spec['linux']>['rootfsPropagation']) =>
  (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, rootfsPropagation } });

/** Where the host's are shared, as systemd has them. */
const follows = readMountinfo().some(({ mountPoint, propagation }) => mountPoint === '/' && 'shared' in propagation)
  ? { master: expect.any(Number) as number }
  : {};

for (const [kind, expected] of [
  ['private', {}],
  ['unbindable', { unbindable: true }],
  ['shared', { shared: expect.any(Number) as number, ...follows }],
  ['slave', follows],
] as const) {
  test.runIf(able)(`the root's propagation can be ${kind}`, async () => {
    const mounts = await mountsInside({ image: bundle(withPropagation(kind)) });
    expect(mounts.get('/')?.propagation).toEqual(expected);
  });
}

/** The mounts that a host whose mounts are all shared, as systemd has it, shows before and after a run. */
function onSharedHost(...command: string[]): { before: string[]; after: string[]; output: string } {
  const look = 'cut -d" " -f5 /proc/self/mountinfo; echo ---';
  const script = `${look}; "$@"; echo "exit $?"; echo ---; ${look}`;
  const args = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `mount --make-rshared /; ${script}`,
    'sh',
    ...command,
  ];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const [before = '', output = '', after = ''] = stdout.split('---\n');
  return { before: before.trim().split('\n'), after: after.trim().split('\n'), output };
}

test.runIf(able)('where the host shares its mounts, those of a container do not reach it', () => {
  const { before, after, output } = onSharedHost(tare, 'run', 'busybox', 'true');
  expect(output).toBe('exit 0\n');
  expect(after).toEqual(before);
});

test.runIf(able)('a root that shares its mounts leaves those of a sharing host alone', () => {
  const image = bundle(withPropagation('shared'));
  const { before, after, output } = onSharedHost(tare, 'run', image, 'sh', '-c', 'cat /proc/self/mountinfo');
  expect(output).toMatch(/exit 0\n$/);
  expect(parseMountinfo(output)[0]?.propagation.shared).toBeGreaterThan(0);
  expect(after).toEqual(before);
});

test.runIf(able)('a volume that shares its mounts leaves the others of a sharing host alone', () => {
  const place = temporaryDirectory();
  const volume = `${place}:/volume:rshared`;
  const inner = 'mkdir /volume/new && mount -t tmpfs none /volume/new && grep -c /volume/new /proc/self/mountinfo';
  const flags = ['--privileged', '-v', volume];
  const script = `mount -t tmpfs none ${place}; "$@"; umount -R ${place}`;
  const { before, after, output } = onSharedHost(
    'sh',
    '-c',
    script,
    'sh',
    tare,
    'run',
    ...flags,
    'busybox',
    'sh',
    '-c',
    inner,
  );
  expect(output).toBe('1\nexit 0\n');
  expect(after).toEqual(before);
});

test.runIf(able)("the image host is this machine's root, to read", async () => {
  const before = readMountinfo().length;
  const release = readFileSync('/etc/os-release', 'utf8').trim();
  expect(await inside('cat /etc/os-release', { image: 'host' })).toBe(release);
  const mark = `/etc/tare-test-${process.pid}`;
  expect(await inside(`echo inside > ${mark}; cat ${mark}`, { image: 'host' })).toBe('inside');
  expect(existsSync(mark)).toBe(false);
  expect(readMountinfo().length).toBe(before);
});
