/** Every step by which network devices move, made to fail: the error names the step, and the devices are as before. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { findNetDevices, NetDevices } from '../../src/container/net-devices.ts';
import { failAt } from '../../src/launch/inject.ts';
import { moveIn } from '../../src/launch/net-devices.ts';
import type { Spec } from '../../src/spec/spec.ts';
import { changes, observeHost } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'tool:ip', 'tool:unshare');
const names = ['a', 'b'].map((end) => `tare${process.pid % 1_000_000}${end}`) as [string, string];

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });

/** Without what the kernel makes up anew, and what tells of the other end. */
function look(name: string): object {
  const [device] = JSON.parse(ip('-json', 'address', 'show', name)) as {
    flags: string[];
    mtu: number;
    address: string;
    addr_info: { scope: string; local: string; prefixlen: number; broadcast?: string; nodad?: boolean }[];
  }[];
  const { flags = [], mtu, address, addr_info: given = [] } = device ?? {};
  const addresses = given
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen, broadcast, nodad }) => ({ local, prefixlen, broadcast, nodad }));
  return {
    flags: flags.filter((flag) => ['UP', 'BROADCAST', 'MULTICAST', 'NOARP'].includes(flag)),
    mtu,
    address,
    addresses,
  };
}

test.runIf(able)('a step that fails leaves the host its devices', { timeout: 60_000 }, async () => {
  const [first, second] = names;
  ip('link', 'add', first, 'type', 'veth', 'peer', 'name', second);
  onTestFinished(() => void spawnSync('ip', ['link', 'del', first]));
  ip('address', 'add', '192.0.2.5/24', 'brd', '+', 'dev', first);
  ip('address', 'add', '2001:db8::5/64', 'dev', second, 'nodad');
  ip('link', 'set', first, 'mtu', '1400', 'arp', 'off', 'up');
  const before = [look(first), look(second)];

  const engine = new Engine();
  const linux = { netDevices: { [first]: { name: 'wan' }, [second]: {} } };
  const spec: Spec = {
    ociVersion: '1.3.0',
    root: { path: '/' },
    process: { args: [''], cwd: '/', user: { uid: 0, gid: 0 } },
    linux,
  };
  const home = spawn('unshare', ['--net', 'sh', '-c', 'echo; read end'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void home.kill());
  await once(home.stdout, 'data');

  const steps = moveIn(findNetDevices(engine, spec)).ops;
  const warm = new NetDevices(engine);
  await warm.move(home.pid ?? 0, findNetDevices(engine, spec));
  await warm.takeBack();
  const state = observeHost(engine);
  for (const [index, { why }] of steps.entries()) {
    const devices = new NetDevices(engine, (program) => failAt(program, index));
    await expect(devices.move(home.pid ?? 0, findNetDevices(engine, spec))).rejects.toThrow(why);
    await devices.takeBack();
    expect([look(first), look(second)], why).toEqual(before);
  }
  expect(changes(state, observeHost(engine))).toEqual([]);
});
