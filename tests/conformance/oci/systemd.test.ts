/**
 * The systemd cgroup driver before a systemd of the test's own: a user's manager, at the place of the system's bus. What the
 * system's does with limits is seen in the test machine.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../kernel/needs.ts';
import { eventually } from './call.ts';
import { checkout, Realm } from './realm.ts';
import { Scope } from './scope.ts';

const able =
  needs('root', 'busybox', 'overlay', 'cgroup2', 'tool:systemctl', 'tool:dbus-daemon', 'tool:ip', 'tool:nsenter') &&
  existsSync('/usr/lib/systemd/user/dbus.socket');

const start = [
  'mkdir -p /run/user/0 /run/dbus /run/systemd/system',
  'ln -s /run/user/0/bus /run/dbus/system_bus_socket',
  'XDG_RUNTIME_DIR=/run/user/0 exec /lib/systemd/systemd --user',
].join(' && ');

const fine = { status: 0, stderr: '' };

describe.runIf(able)('tare-oci --systemd-cgroup', () => {
  let realm: Realm;
  const scope = (): Scope =>
    new Scope({
      call: (...words) => realm.call(...words),
      systemctl: ['env', 'XDG_RUNTIME_DIR=/run/user/0', 'systemctl', '--user'],
      top: `${realm.group}/init`,
      checkout,
      place: realm.place,
    });

  beforeAll(async () => {
    realm = new Realm();
    await realm.open('sh', '-c', start);
    const asked = ['env', 'XDG_RUNTIME_DIR=/run/user/0', 'systemctl', '--user', 'is-system-running', '--wait'];
    await eventually('systemd answers', () => /running|degraded/.test(realm.call(...asked).stdout));
  });
  afterAll(async () => {
    await realm[Symbol.asyncDispose]();
    expect(realm.left()).toEqual([]);
  });

  test('a container in a scope, in its slice; unit and group are gone with it', async () => {
    using box = scope();
    expect(box.create()).toEqual(fine);
    expect(['ActiveState', 'Slice', 'Delegate', 'CollectMode'].map((name) => box.show(name))).toEqual([
      'active',
      'machine-tare.slice',
      'yes',
      'inactive-or-failed',
    ]);
    expect(box.show('ControlGroup')).toBe(`/init/machine.slice/machine-tare.slice/${box.unit}`);
    // Who waited in it for the container is gone.
    expect(box.read('cgroup.procs').split('\n')).toHaveLength(1);
    expect(box.call('start')).toEqual(fine);
    expect(box.call('pause')).toEqual(fine);
    expect(box.read('cgroup.events')).toContain('frozen 1');
    expect(box.call('resume')).toEqual(fine);
    expect(box.call('delete', '--force')).toEqual(fine);
    expect(box.exists()).toBe(false);
    await eventually('systemd has forgotten it', () => box.show('LoadState') === 'not-found');
  });

  test('the same name again at once, while the old unit is on its way out', () => {
    using box = scope();
    for (let round = 0; round < 3; round += 1) {
      expect(box.create()).toEqual(fine);
      expect(box.call('delete', '--force')).toEqual(fine);
    }
  });

  test('a create that fails leaves no scope', async () => {
    using box = scope();
    expect(box.create()).toEqual(fine);
    const again = box.create();
    expect(again).toEqual({ status: 1, stderr: expect.stringContaining('already exists') as string });
    expect(box.show('ActiveState')).toBe('active');
    expect(box.call('delete', '--force')).toEqual(fine);
    box.write('/no/slice');
    expect(box.create().stderr).toContain('expected cgroupsPath to be of format "slice:prefix:name"');
    await eventually('there is no scope', () => box.show('LoadState') === 'not-found');
    expect(box.exists()).toBe(false);
  });
});
