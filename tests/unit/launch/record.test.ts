import { expect, test } from 'vitest';
import { explain } from '../../../src/launch/explain.ts';
import { encode } from '../../../src/launch/encode.ts';
import { compileCleanup, compileSetup, encodeRecord, type Recorded, recordKey } from '../../../src/launch/record.ts';
import { named } from '../../../src/linux/flags.ts';
import { calls, compiled } from './examples.ts';

const id = '0123456789ab';
const program = compiled();
const recorded: Recorded = {
  key: { replay: '/opt/tare/dist/tare-replay', words: ['run', '--read-only', 'busybox'], command: 'name' },
  guards: [
    { kind: 'link', path: '/proc/self/ns/pid', expected: 'pid:[4026531836]' },
    { kind: 'file', path: '/image/etc/passwd', expected: undefined },
  ],
  arch: 'x64',
  id,
  world: '4026531836 4026531834',
  tareInit: new Uint8Array(16),
  execFlag: true,
  cgroup: {
    path: `/cgroup/tare/${id}`,
    directories: [{ path: `/cgroup/tare/${id}`, why: 'make it' }],
    enable: [],
    v1: [],
    limits: [],
  },
  cloneFlags: named(0x20000000, 'CLONE_NEWPID'),
  program,
  encoded: encode(program, { arch: 'x64' }),
  interactive: false,
  oom: undefined,
};

test('what comes before and after the child is a program too', () => {
  expect(calls(compileSetup(recorded))).toMatchInlineSnapshot(`
    [
      "$memory = memfd_create("tare-init", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC)",
      "write($memory, tare-init, 16)",
      "fcntl($memory, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE)",
      "dup3($memory, 200, O_CLOEXEC)",
      "$null = openat(AT_FDCWD, "/dev/null", O_RDWR|O_CLOEXEC, 0)",
      "dup3($null, 201, O_CLOEXEC)",
      "mkdirat(AT_FDCWD, "/cgroup/tare/0123456789ab", 0755)",
      "setxattr("/cgroup/tare/0123456789ab", "user.tare.owner", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~", 64, 0)  // or EOPNOTSUPP",
      "$cgroup = openat(AT_FDCWD, "/cgroup/tare/0123456789ab", O_RDONLY|O_DIRECTORY|O_CLOEXEC, 0)",
      "dup3($cgroup, 202, O_CLOEXEC)",
    ]
  `);
  expect(calls(compileCleanup(recorded))).toMatchInlineSnapshot(`
    [
      "unlinkat(AT_FDCWD, "/cgroup/tare/0123456789ab", AT_REMOVEDIR)  // or ENOENT",
    ]
  `);
  expect(explain(compileSetup({ ...recorded, cgroup: undefined }))).not.toContain('cgroup');
});

test('the key holds the words whole, and how the command is named', () => {
  expect(recordKey(recorded.key).toString()).toBe('/opt/tare/dist/tare-replay\0run\0--read-only\0busybox\0n');
  expect(recordKey({ ...recorded.key, command: 'image' }).at(-1)).toBe('i'.charCodeAt(0));
});

const field = (bytes: Buffer, index: number) => bytes.readUInt32LE(index * 4);

test('every place of the id is known, and where the owner goes', () => {
  const bytes = encodeRecord(recorded);
  const [at, count] = [field(bytes, 12), field(bytes, 13)];
  const places = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(at + index * 4));
  expect(places.map((place) => bytes.toString('latin1', place, place + id.length))).toEqual(places.map(() => id));
  expect(bytes.toString('latin1').split(id).length - 1).toBe(count);
  expect(bytes.toString('latin1', field(bytes, 19), field(bytes, 19) + 64)).toBe('~'.repeat(64));
});

test('every execve is told where to look for the command', () => {
  const bytes = encodeRecord(recorded);
  const [at, count] = [field(bytes, 14), field(bytes, 15)];
  const prefixes = Array.from({ length: count }, (_, index) => {
    const text = bytes.readUInt32LE(at + index * 8 + 4);
    return bytes.toString('utf8', text, bytes.indexOf(0, text));
  });
  expect(prefixes).toEqual(['/usr/local/sbin/', '/usr/local/bin/', '/usr/sbin/', '/usr/bin/', '/sbin/', '/bin/']);
  expect(field(bytes, 21)).toBe(program.ops.findIndex(({ call }) => call === 'execve'));
  const path = encodeRecord({ ...recorded, key: { ...recorded.key, command: 'path' } });
  expect(field(path, 15)).toBe(6);
  expect(field(encodeRecord({ ...recorded, key: { ...recorded.key, command: 'image' } }), 15)).toBe(0);
});
