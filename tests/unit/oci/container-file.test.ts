import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explain } from '../../../src/launch/explain.ts';
import { encodeContainer, laterPrograms } from '../../../src/oci/container-file.ts';
import type { Saved } from '../../../src/oci/state.ts';
import { stateOf } from '../../../src/oci/state.ts';

const saved: Saved = {
  id: 'box',
  pid: 4711,
  startTime: '8589934595',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05.678Z',
  owner: 'root',
  cgroup: '/sys/fs/cgroup/tare-oci/box',
  sharesKeyring: false,
  spec: {
    ociVersion: '1.3.0',
    root: { path: '/b/rootfs' },
    process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
    annotations: { key: 'with "quotes" and\nlines' },
  },
};

test('what follows create is a list of calls', () => {
  const programs = Object.values(laterPrograms(saved)).map((program) => explain(program, { column: 66 }));
  expect(`\n${programs.join('\n')}`).toMatchInlineSnapshot(`
    "
    start
       0  $socket = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0)       open a socket
       1  connect($socket, {AF_UNIX, "start"}, 8)                     find the container that waits
       2  unlinkat(AT_FDCWD, "start", 0)                              be the only one who starts it
       3  sendto($socket, "g", 1, MSG_NOSIGNAL, 0, 0)                 say start

    kill
       0  pidfd_send_signal($pidfd, $signal, 0, 0)                    send a signal to its first process

    pause
       0  $file = openat(AT_FDCWD, "/sys/fs/cgroup/tare-oci/box/cgroup.freeze", O_WRONLY|O_CLOEXEC, 0)
                                                                      stop its processes where they are: open /sys/fs/cgroup/tare-oci/box/cgroup.freeze
       1  write($file, "1", 1)                                        stop its processes where they are

    resume
       0  $file = openat(AT_FDCWD, "/sys/fs/cgroup/tare-oci/box/cgroup.freeze", O_WRONLY|O_CLOEXEC, 0)
                                                                      let its processes go on: open /sys/fs/cgroup/tare-oci/box/cgroup.freeze
       1  write($file, "0", 1)                                        let its processes go on

    delete
       0  unlinkat(AT_FDCWD, "/sys/fs/cgroup/tare-oci/box", AT_REMOVEDIR)  // or ENOENT
                                                                      remove the cgroup /sys/fs/cgroup/tare-oci/box
       1  unlinkat(AT_FDCWD, "start", 0)  // or ENOENT                remove start
       2  unlinkat(AT_FDCWD, "container.json", 0)  // or ENOENT       remove container.json
       3  unlinkat(AT_FDCWD, "container", 0)  // or ENOENT            remove container
       4  unlinkat(AT_FDCWD, "../box", AT_REMOVEDIR)  // or ENOENT    remove the container's directory
    "
  `);
});

test('hooks take Node', () => {
  const hooked = {
    ...saved,
    spec: { ...saved.spec, hooks: { poststart: [{ path: '/h' }], poststop: [{ path: '/h' }] } },
  };
  expect(Object.keys(laterPrograms(hooked))).toEqual(['kill', 'pause', 'resume']);
  const without: Saved = { ...saved, cgroup: undefined };
  expect(Object.keys(laterPrograms(without))).toEqual(['start', 'kill', 'delete']);
});

test('the front end puts the state together from three parts', () => {
  const bytes = encodeContainer(saved, 'x64').bytes;
  const part = (index: number) => {
    const at = bytes.readUInt32LE(24 + index * 8);
    return bytes.toString('utf8', at, at + bytes.readUInt32LE(28 + index * 8));
  };
  expect(JSON.parse(`${part(0)}4711${part(1)}running${part(2)}`)).toEqual(stateOf(saved, 'running'));
  expect(JSON.parse(`${part(0)}0${part(1)}stopped${part(2)}`)).toEqual(stateOf(saved, 'stopped'));
});

test('C and TypeScript agree on the file', () => {
  const bytes = encodeContainer(saved, 'x64').bytes;
  const header = readFileSync(join(import.meta.dirname, '../../../native/container.h'), 'utf8');
  const magic = /CONTAINER_MAGIC (0x[0-9a-f]+)u/.exec(header)?.[1];
  expect(bytes.readUInt32LE(0)).toBe(Number(magic));
  expect(bytes.readUInt32LE(4)).toBe(bytes.length);
  expect(bytes.readBigUInt64LE(8)).toBe(8589934595n);
  expect(bytes.readInt32LE(16)).toBe(4711);
});

test('a group that systemd has made is for systemd to remove', () => {
  const { delete: program } = laterPrograms({ ...saved, unit: 'tare-box.scope' });
  expect(explain(program!, { column: 72 }).split('\n')[1]).toMatchInlineSnapshot(
    `"   0  faccessat(AT_FDCWD, "/sys/fs/cgroup/tare-oci/box", 0, 0)  // or ENOENT"`,
  );
});
