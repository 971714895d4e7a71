/** Every word that a mount's options may hold, by what the kernel then says of the mount inside. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { MountEntry } from '../../../src/linux/proc.ts';
import type { MountRequest } from '../../../src/spec/request.ts';
import { bind, bundle, inside, mountsInside, temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

const tmpfs = (target: string, ...options: string[]): MountRequest => ({ type: 'tmpfs', target, options });

const bare = ['rw', 'relatime'];
const strict = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'nosymfollow'];

/** The attributes of a mount whose like had `before`, once the word is said. Access times are one field of three states. */
const attributes: readonly [word: string, before: readonly string[], after: (before: readonly string[]) => string[]][] =
  [
    ['ro', bare, () => ['ro', 'relatime']],
    ['nosuid', bare, () => ['rw', 'nosuid', 'relatime']],
    ['nodev', bare, () => ['rw', 'nodev', 'relatime']],
    ['noexec', bare, () => ['rw', 'noexec', 'relatime']],
    ['nodiratime', bare, () => ['rw', 'nodiratime', 'relatime']],
    ['nosymfollow', bare, () => ['rw', 'relatime', 'nosymfollow']],
    ['noatime', bare, () => ['rw', 'noatime']],
    ['strictatime', bare, () => ['rw']],
    ['relatime', strict, (before) => before.map((word) => (word === 'noatime' ? 'relatime' : word))],
    ['atime', strict, (before) => before.map((word) => (word === 'noatime' ? 'relatime' : word))],
    ['rw', strict, (before) => before.map((word) => (word === 'ro' ? 'rw' : word))],
    ['suid', strict, (before) => before.filter((word) => word !== 'nosuid')],
    ['dev', strict, (before) => before.filter((word) => word !== 'nodev')],
    ['exec', strict, (before) => before.filter((word) => word !== 'noexec')],
    ['diratime', strict, (before) => before.filter((word) => word !== 'nodiratime')],
    ['symfollow', strict, (before) => before.filter((word) => word !== 'nosymfollow')],
    ['nostrictatime', bare, () => bare],
    ['norelatime', bare, () => bare],
  ];

const sorted = (words: readonly string[] | undefined): string[] => [...(words ?? [])].sort();

/** A tmpfs on the host with another in it, both with these options; unmounted after the test. */
function nestedMounts(options: readonly string[], propagation = 'private'): string {
  const place = temporaryDirectory();
  const mount = (at: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(), 'tare-test', at]);
  spawnSync('mount', ['-t', 'tmpfs', 'tare-test', place]);
  onTestFinished(() => void spawnSync('umount', ['--recursive', place]));
  mkdirSync(join(place, 'below'));
  mount(join(place, 'below'));
  spawnSync('mount', ['-o', ['remount', 'bind', ...options].join(), place]);
  spawnSync('mount', [`--make-r${propagation}`, place]);
  return place;
}

test.runIf(able)('an attribute of a bind mount holds for the mount itself', async () => {
  const sources = new Map([bare, strict].map((options) => [options, nestedMounts(options)]));
  const mounts = attributes.map(([word, before]) =>
    bind(sources.get(before as string[])!, `/m/${word}`, 'rbind', word),
  );
  const found = await mountsInside({ mounts });
  for (const [word, before, after] of attributes) {
    expect([word, ...sorted(found.get(`/m/${word}`)?.options)]).toEqual([word, ...sorted(after(before))]);
    expect([word, ...sorted(found.get(`/m/${word}/below`)?.options)]).toEqual([word, ...sorted(before)]);
  }
});

test.runIf(able)('a recursive attribute of a bind mount holds for all below it too', async () => {
  const sources = new Map([bare, strict].map((options) => [options, nestedMounts(options)]));
  const mounts = attributes.map(([word, before]) =>
    bind(sources.get(before as string[])!, `/m/${word}`, 'rbind', `r${word}`),
  );
  const found = await mountsInside({ mounts });
  for (const [word, before, after] of attributes) {
    for (const place of [`/m/${word}`, `/m/${word}/below`]) {
      expect([word, ...sorted(found.get(place)?.options)]).toEqual([word, ...sorted(after(before))]);
    }
  }
});

test.runIf(able)('bind takes one mount along, rbind all below it', async () => {
  const place = nestedMounts(bare);
  const found = await mountsInside({ mounts: [bind(place, '/one', 'bind'), bind(place, '/all', 'rbind')] });
  expect([...found.keys()].filter((name) => /^\/(one|all)/.test(name))).toEqual(['/one', '/all', '/all/below']);
});

test.runIf(able)('an attribute of a tmpfs holds from the start', async () => {
  const words = attributes.filter(([, before]) => before === bare);
  const found = await mountsInside({ mounts: words.map(([word]) => tmpfs(`/m/${word}`, word)) });
  const guarded = ['nosuid', 'nodev', 'noexec'];
  for (const [word, before, after] of words) {
    const expected = new Set([...after(before), ...guarded]);
    expect([word, ...sorted(found.get(`/m/${word}`)?.options)]).toEqual([word, ...sorted([...expected])]);
  }
  const open = ['suid', 'dev', 'exec'];
  const [opened] = [...(await mountsInside({ mounts: [tmpfs('/open', ...open)] })).values()].filter(
    ({ mountPoint }) => mountPoint === '/open',
  );
  expect(opened?.options).toEqual(bare);
});

const ofFilesystem: readonly [word: string, seen: readonly string[]][] = [
  ['sync', ['sync']],
  ['async', []],
  ['dirsync', ['dirsync']],
  ['lazytime', ['lazytime']],
  ['nolazytime', []],
  ['mand', ['mand']],
  ['nomand', []],
  ['defaults', []],
  ['silent', []],
  ['loud', []],
  ['iversion', []],
  ['noiversion', []],
  ['size=2m', ['size=2048k']],
  ['mode=1750', ['mode=1750']],
  ['uid=12', ['uid=12']],
  ['gid=34', ['gid=34']],
  ['nr_inodes=99', ['nr_inodes=99']],
  ['huge=never', []],
];

test.runIf(able)('an option of the filesystem reaches it', async () => {
  const found = await mountsInside({ mounts: ofFilesystem.map(([word]) => tmpfs(`/m/${word}`, word)) });
  for (const [word, seen] of ofFilesystem) {
    const { superOptions = [] } = found.get(`/m/${word}`) ?? ({} as Partial<MountEntry>);
    // Linux before 6.6 shows how wide inode numbers are.
    expect([word, ...superOptions.filter((option) => !['rw', 'inode64'].includes(option))]).toEqual([word, ...seen]);
  }
});

test.runIf(able)('an option that the filesystem does not know fails by its name', async () => {
  const refused = inside('true', { mounts: [tmpfs('/m', 'sise=2m')] });
  await expect(refused).rejects.toThrow(/set sise=2m for \/m: EINVAL/);
});

test.runIf(able)('noexec and nosymfollow and ro are felt, and missing where they are not asked for', async () => {
  const place = temporaryDirectory();
  const attempt = (at: string) =>
    `cp /bin/busybox ${at}/true 2>&1; ${at}/true 2>&1; ln -sf /etc/passwd ${at}/link; cat ${at}/link >/dev/null 2>&1 || echo closed`;
  expect(await inside(attempt('/m'), { mounts: [bind(place, '/m')] })).toBe('');
  expect(await inside(attempt('/m'), { mounts: [bind(place, '/m', 'noexec', 'nosymfollow')] })).toBe(
    'sh: /m/true: Permission denied\nclosed',
  );
  expect(await inside('touch /m/file 2>&1; true', { mounts: [bind(place, '/m', 'ro')] })).toBe(
    'touch: /m/file: Read-only file system',
  );
});

const shared = expect.any(Number) as number;

const propagations: readonly [word: string, top: object, below: object][] = [
  ['private', {}, { master: shared }],
  ['rprivate', {}, {}],
  ['slave', { master: shared }, { master: shared }],
  ['rslave', { master: shared }, { master: shared }],
  ['shared', { shared }, { shared }],
  ['rshared', { shared }, { shared }],
  ['unbindable', { unbindable: true }, { master: shared }],
  ['runbindable', { unbindable: true }, { unbindable: true }],
];

test.runIf(able)('mounts pass on as each kind of propagation says', async () => {
  const place = nestedMounts(bare, 'shared');
  const mounts = propagations.map(([word]) => bind(place, `/m/${word}`, 'rbind', word));
  const found = await mountsInside({ mounts });
  for (const [word, top, below] of propagations) {
    expect([word, found.get(`/m/${word}`)?.propagation]).toEqual([word, top]);
    expect([word, found.get(`/m/${word}/below`)?.propagation]).toEqual([word, below]);
  }
  // Without a word nothing passes either way.
  const silent = await mountsInside({ mounts: [bind(place, '/m')] });
  expect([silent.get('/m')?.propagation, silent.get('/m/below')?.propagation]).toEqual([{}, {}]);
});

test.runIf(able)('options of a remount change the mount that is there', async () => {
  const image = bundle((spec) => ({
    ...spec,
    mounts: [
      ...(spec.mounts ?? []),
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'size=1m'] },
      { destination: '/tmp', type: 'none', options: ['remount', 'ro', 'nosuid'] },
      { destination: '/etc', type: 'bind', source: '/etc', options: ['bind', 'ro'] },
      { destination: '/etc', type: 'bind', source: '/etc', options: ['bind', 'remount', 'rw', 'nodev'] },
    ],
  }));
  const found = await mountsInside({ image });
  expect(sorted(found.get('/tmp')?.options)).toEqual(['noexec', 'nosuid', 'relatime', 'ro']);
  expect(found.get('/tmp')?.superOptions).toContain('size=1024k');
  expect(found.get('/etc')?.options).toEqual(expect.arrayContaining(['rw', 'nodev']));
});
