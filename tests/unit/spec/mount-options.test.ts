import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mountOptionNames, parseMountOptions } from '../../../src/spec/mount-options.ts';

/** What is said, without what is not. */
const said = (...options: string[]) => {
  const given = Object.entries(parseMountOptions(options)).filter(([, value]) =>
    Array.isArray(value) ? value.length > 0 : value !== false,
  );
  return given.map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`).join('; ');
};

test('each option has its meaning', () => {
  const meanings = mountOptionNames.map((name) => `${name}: ${said(name)}`);
  expect(meanings.join('\n')).toMatchInlineSnapshot(`
    "ro: attrSet MOUNT_ATTR_RDONLY
    rw: attrClear MOUNT_ATTR_RDONLY
    nosuid: attrSet MOUNT_ATTR_NOSUID
    suid: attrClear MOUNT_ATTR_NOSUID
    nodev: attrSet MOUNT_ATTR_NODEV
    dev: attrClear MOUNT_ATTR_NODEV
    noexec: attrSet MOUNT_ATTR_NOEXEC
    exec: attrClear MOUNT_ATTR_NOEXEC
    nodiratime: attrSet MOUNT_ATTR_NODIRATIME
    diratime: attrClear MOUNT_ATTR_NODIRATIME
    nosymfollow: attrSet MOUNT_ATTR_NOSYMFOLLOW
    symfollow: attrClear MOUNT_ATTR_NOSYMFOLLOW
    noatime: attrSet MOUNT_ATTR_NOATIME; attrClear MOUNT_ATTR__ATIME
    relatime: attrSet MOUNT_ATTR_RELATIME; attrClear MOUNT_ATTR__ATIME
    strictatime: attrSet MOUNT_ATTR_STRICTATIME; attrClear MOUNT_ATTR__ATIME
    atime: attrSet MOUNT_ATTR_RELATIME; attrClear MOUNT_ATTR__ATIME
    nostrictatime: attrSet MOUNT_ATTR_RELATIME; attrClear MOUNT_ATTR__ATIME
    norelatime: 
    rro: recursiveSet MOUNT_ATTR_RDONLY
    rrw: recursiveClear MOUNT_ATTR_RDONLY
    rnosuid: recursiveSet MOUNT_ATTR_NOSUID
    rsuid: recursiveClear MOUNT_ATTR_NOSUID
    rnodev: recursiveSet MOUNT_ATTR_NODEV
    rdev: recursiveClear MOUNT_ATTR_NODEV
    rnoexec: recursiveSet MOUNT_ATTR_NOEXEC
    rexec: recursiveClear MOUNT_ATTR_NOEXEC
    rnodiratime: recursiveSet MOUNT_ATTR_NODIRATIME
    rdiratime: recursiveClear MOUNT_ATTR_NODIRATIME
    rnosymfollow: recursiveSet MOUNT_ATTR_NOSYMFOLLOW
    rsymfollow: recursiveClear MOUNT_ATTR_NOSYMFOLLOW
    rnoatime: recursiveSet MOUNT_ATTR_NOATIME; recursiveClear MOUNT_ATTR__ATIME
    rrelatime: recursiveSet MOUNT_ATTR_RELATIME; recursiveClear MOUNT_ATTR__ATIME
    rstrictatime: recursiveSet MOUNT_ATTR_STRICTATIME; recursiveClear MOUNT_ATTR__ATIME
    ratime: recursiveSet MOUNT_ATTR_RELATIME; recursiveClear MOUNT_ATTR__ATIME
    rnostrictatime: recursiveSet MOUNT_ATTR_RELATIME; recursiveClear MOUNT_ATTR__ATIME
    rnorelatime: 
    sync: superblock sync
    async: superblock async
    dirsync: superblock dirsync
    lazytime: superblock lazytime
    nolazytime: superblock nolazytime
    mand: superblock mand
    nomand: superblock nomand
    private: propagation private
    rprivate: propagation rprivate
    shared: propagation shared
    rshared: propagation rshared
    slave: propagation slave
    rslave: propagation rslave
    unbindable: propagation unbindable
    runbindable: propagation runbindable
    defaults: 
    silent: 
    loud: 
    iversion: 
    noiversion: 
    bind: bind bind
    rbind: bind rbind
    remount: remount true
    idmap: idmap idmap
    ridmap: idmap ridmap
    tmpcopyup: tmpcopyup true"
  `);
});

test('nothing asked is nothing to do', () => {
  expect(said()).toBe('');
});

test("Docker's /dev/shm", () => {
  expect(said('nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64m')).toMatchInlineSnapshot(
    `"attrSet MOUNT_ATTR_NOSUID MOUNT_ATTR_NOEXEC MOUNT_ATTR_NODEV; data mode,1777 size,64m"`,
  );
});

test('the later of two that contradict each other wins', () => {
  expect(said('ro', 'rw')).toBe('attrClear MOUNT_ATTR_RDONLY');
  expect(said('rw', 'ro')).toBe('attrSet MOUNT_ATTR_RDONLY');
  expect(said('noexec', 'exec', 'noexec')).toBe('attrSet MOUNT_ATTR_NOEXEC');
  expect(said('sync', 'async')).toBe('superblock async');
  expect(said('bind', 'rbind')).toBe('bind rbind');
});

test('the access-time setting is one field: it is cleared before it is set, and has one value', () => {
  expect(said('noatime', 'strictatime')).toBe('attrSet MOUNT_ATTR_STRICTATIME; attrClear MOUNT_ATTR__ATIME');
  expect(said('noatime', 'atime')).toBe('attrSet MOUNT_ATTR_RELATIME; attrClear MOUNT_ATTR__ATIME');
  expect(said('strictatime', 'atime')).toBe('attrSet MOUNT_ATTR_STRICTATIME; attrClear MOUNT_ATTR__ATIME');
  expect(said('noatime', 'nostrictatime')).toBe('attrSet MOUNT_ATTR_NOATIME; attrClear MOUNT_ATTR__ATIME');
  expect(said('relatime', 'norelatime')).toBe('');
});

test('own and recursive attributes stand beside each other', () => {
  expect(said('rw', 'rro', 'rnosuid', 'rsuid')).toBe(
    'attrClear MOUNT_ATTR_RDONLY; recursiveSet MOUNT_ATTR_RDONLY; recursiveClear MOUNT_ATTR_NOSUID',
  );
});

test('propagations keep their order: a slave may be shared again', () => {
  expect(said('rslave', 'rshared')).toBe('propagation rslave rshared');
});

test("the filesystem's own options keep their order and values, however odd", () => {
  expect(parseMountOptions(['newinstance', 'mode=0620', 'x=a=b', 'empty=', 'constructor', '']).data).toEqual([
    ['newinstance', undefined],
    ['mode', '0620'],
    ['x', 'a=b'],
    ['empty', ''],
    ['constructor', undefined],
  ]);
});

test('no attribute is ever both set and cleared, and the access time is never set without being cleared', () => {
  const options = fc.array(fc.constantFrom(...mountOptionNames, 'size=1'));
  fc.assert(
    fc.property(options, (words) => {
      const { attrSet, attrClear, recursiveSet, recursiveClear } = parseMountOptions(words);
      for (const [set, clear] of [
        [attrSet, attrClear],
        [recursiveSet, recursiveClear],
      ] as const) {
        expect(set.filter((attribute) => clear.includes(attribute))).toEqual([]);
        const times = set.filter((attribute) => attribute.endsWith('ATIME') && attribute !== 'MOUNT_ATTR_NODIRATIME');
        expect(times).toHaveLength(clear.includes('MOUNT_ATTR__ATIME') ? 1 : 0);
      }
    }),
  );
});
