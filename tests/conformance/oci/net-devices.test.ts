/**
 * config-linux.md, "Network Devices". Debian's runc and crun are older than the section, and pass over it in silence: so it is
 * asked of tare-oci alone, and of `tare run`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Linux } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec, saying } from './bundle.ts';
import { tareOci } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2', 'tool:ip');
const tare = join(import.meta.dirname, '../../../bin/tare');

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });
const [card, peer, other] = ['a', 'b', 'c'].map((end) => `tare${process.pid % 1_000_000}${end}`) as [
  string,
  string,
  string,
];
const mac = '02:00:5e:00:53:01';
const addresses = ['192.0.2.5/24', '192.0.2.6/24', '2001:db8::5/64'];

/** One end of a cable. With one end the other goes. */
function plugIn(): void {
  ip('link', 'add', card, 'mtu', '1400', 'address', mac, 'type', 'veth', 'peer', 'name', peer);
  onTestFinished(() => void spawnSync('ip', ['link', 'del', peer]));
  for (const one of addresses) ip('address', 'add', one, 'dev', card);
  ip('link', 'set', card, 'up');
  ip('link', 'set', peer, 'up');
}

/** All that a device is to keep, as ip(8) has it. */
function lookAt(name: string, ...where: string[]): object | undefined {
  const { status, stdout } = spawnSync('ip', [...where, '-json', 'address', 'show', name], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const [{ mtu, address, flags, addr_info: given = [] } = {}] = JSON.parse(stdout) as {
    mtu: number;
    address: string;
    flags: string[];
    addr_info?: { scope: string; local: string; prefixlen: number }[];
  }[];
  const global = given.filter(({ scope }) => scope === 'global').map((one) => `${one.local}/${one.prefixlen}`);
  return { mtu, mac: address, up: flags?.includes('UP'), multicast: flags?.includes('MULTICAST'), addresses: global };
}

const asItWas = { mtu: 1400, mac, up: true, multicast: true, addresses };

function boxWith(linux: Partial<Linux>, args: readonly string[] = ['sleep', '1000']): Bundle {
  const spec = plainSpec(args);
  return new Bundle(tareOci, { ...spec, ociVersion: '1.3.0', linux: { ...spec.linux, ...linux } });
}

/** Seen from outside, where ip(8) is whole. */
const within = (box: Bundle): string[] => {
  const name = `tare-test-${process.pid}`;
  ip('netns', 'attach', name, String(box.state().pid));
  onTestFinished(() => void spawnSync('ip', ['netns', 'del', name]));
  return ['-n', name];
};

/** A network that no container has made. */
function makeNetwork(): { path: string; where: string[] } {
  const name = `tare-test-${process.pid}-net`;
  ip('netns', 'add', name);
  onTestFinished(() => void spawnSync('ip', ['netns', 'del', name]));
  return { path: `/run/netns/${name}`, where: ['-n', name] };
}

const otherNetwork = (path: string): Partial<Linux> => ({
  namespaces: [
    ...(['pid', 'ipc', 'uts', 'mount'] as const).map((type) => ({ type })),
    { type: 'network' as const, path },
  ],
});

const otherUsers = (namespaces: Linux['namespaces'] = plainSpec([]).linux?.namespaces): Partial<Linux> => ({
  namespaces: [...(namespaces ?? []), { type: 'user' }],
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
});

describe.runIf(able)('config-linux.md, "Network Devices"', () => {
  test('a device keeps its MTU, its hardware and IP addresses, is up, and has the name that it is given', () => {
    plugIn();
    using box = boxWith({ netDevices: { [card]: { name: 'wan' } } });
    expect(box.create()).toMatchObject({ status: 0, stderr: '' });
    expect(lookAt(card)).toBeUndefined();
    expect(lookAt('wan', ...within(box))).toEqual(asItWas);
    expect(box.start()).toMatchObject({ status: 0 });
  });

  test('without a name it keeps its own; of a template the kernel can be left the number', () => {
    plugIn();
    using box = boxWith({ netDevices: { [card]: {}, [peer]: { name: 'eth%d' } } });
    expect(box.create()).toMatchObject({ status: 0, stderr: '' });
    const where = within(box);
    expect(lookAt(card, ...where)).toEqual(asItWas);
    expect(lookAt('eth0', ...where)).toMatchObject({ up: true, addresses: [] });
    box.call('delete', ['--force', box.id]);
  });

  test('a user namespace has no power over the device, and gets it all the same', () => {
    plugIn();
    using box = boxWith({ ...otherUsers(), netDevices: { [card]: {} } });
    execFileSync('chmod', ['755', box.path]);
    expect(box.create()).toMatchObject({ status: 0, stderr: '' });
    expect(lookAt(card, ...within(box))).toEqual(asItWas);
  });

  test('in a network that is there already it stays when the container has ended', async () => {
    plugIn();
    const { path, where } = makeNetwork();
    using box = boxWith({ ...otherUsers(otherNetwork(path).namespaces), netDevices: { [card]: { name: 'wan' } } }, [
      'true',
    ]);
    execFileSync('chmod', ['755', box.path]);
    expect(box.create()).toMatchObject({ status: 0, stderr: '' });
    expect(box.start()).toMatchObject({ status: 0 });
    await box.until('stopped');
    expect(box.call('delete', [box.id])).toMatchObject({ status: 0 });
    expect(lookAt('wan', ...where)).toEqual(asItWas);
  });

  test('a name that is taken there is an error, and all stays where it is', () => {
    plugIn();
    const { path, where } = makeNetwork();
    ip(...where, 'link', 'add', 'wan', 'type', 'veth', 'peer', 'name', other);
    using box = boxWith({ ...otherNetwork(path), netDevices: { [card]: { name: 'wan' } } });
    expect(box.create()).toMatchObject({
      status: 1,
      stderr: saying(`move the network device ${card} to the container as wan: EEXIST`),
    });
    expect(lookAt(card)).toEqual(asItWas);
    expect(lookAt('wan', ...where)).toMatchObject({ up: false });
  });

  test('a device that is not there, and one that cannot leave, are errors by name', () => {
    plugIn();
    using box = boxWith({ netDevices: { nowhere0: {} } });
    expect(box.create()).toMatchObject({
      status: 1,
      stderr: saying('/linux/netDevices/nowhere0: must be a network device of this host'),
    });
    using second = boxWith({ netDevices: { [card]: {}, lo: { name: 'lo1' } } });
    expect(second.create()).toMatchObject({
      status: 1,
      stderr: saying('move the network device lo to the container as lo1: EINVAL'),
    });
    expect(lookAt(card)).toEqual(asItWas);
  });

  test('where the container fails later, its devices are on the host again', () => {
    plugIn();
    using box = boxWith({ netDevices: { [card]: { name: 'wan' } } }, ['/nowhere']);
    expect(box.create()).toMatchObject({ status: 1, stderr: saying('/nowhere') });
    expect(lookAt(card)).toEqual(asItWas);
    const { status, stderr } = spawnSync(tare, ['run', `oci:${box.path}`], { encoding: 'utf8' });
    expect({ status, stderr }).toMatchObject({ status: 127, stderr: saying('/nowhere') });
    expect(lookAt(card)).toEqual(asItWas);
  });

  test('tare run moves them too, and tare explain tells how', () => {
    plugIn();
    using box = boxWith({ netDevices: { [card]: { name: 'wan' } } }, ['ip', 'address', 'show', 'wan']);
    const told = spawnSync(tare, ['explain', `oci:${box.path}`], { encoding: 'utf8' });
    expect(told.stdout).toContain(`move the network device ${card} to the container as wan`);
    const ran = spawnSync(tare, ['run', `oci:${box.path}`], { encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    for (const one of addresses) expect(ran.stdout).toContain(one);
  });

  test('a bundle like an earlier one has its own devices moved', async () => {
    for (let time = 0; time < 2; time += 1) {
      plugIn();
      using box = boxWith({ netDevices: { [card]: {} } });
      expect(box.create()).toMatchObject({ status: 0, stderr: '' });
      expect(lookAt(card)).toBeUndefined();
      box.call('delete', ['--force', box.id]);
      // The kernel takes a network down, and with it the cable, after its last process.
      await eventually('the cable is gone', () => !existsSync(`/sys/class/net/${peer}`));
    }
  });
});
