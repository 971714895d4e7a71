/** `network`: what the kernel says of a network namespace: over netlink, by ip(8), and in /proc/net. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { ask } from '../system.ts';
import type { World } from '../world.ts';
import { findProcesses } from './process.ts';
import { processShape } from './process-shape.ts';
import { scalar } from './shapes.ts';

const deviceShape = z.strictObject({
  name: z.string(),
  /** `veth`, `bridge`: as `ip link add type` has it. */
  kind: z.string().optional(),
  /** It is switched on, and so is what it is plugged into. */
  up: z.literal(true).optional(),
  /** `10.0.0.2/24` */
  address: z.string().optional(),
  /** The bridge whose port it is. */
  port: z.string().optional(),
});
type DeviceExpected = z.output<typeof deviceShape>;

export const networkShape = z.strictObject({
  /** A name of `ip netns`. */
  in: z.string(),
  device: deviceShape.optional(),
  /** `default`, or `10.0.0.0/24`. */
  route: z.strictObject({ to: z.string(), via: z.string().optional() }).optional(),
  /** Whether it hands on packets that are not for itself. */
  forwarding: z.boolean().optional(),
  /** A process that is in it. */
  process: processShape.optional(),
  /** A TCP port that somebody in it listens at. */
  listens: scalar.optional(),
  /** Counters of /proc/net/snmp, such as `Tcp.PassiveOpens`, and what they have reached at least. */
  counts: z.record(z.string().regex(/^\w+\.\w+$/), scalar).optional(),
});
export type NetworkExpected = z.output<typeof networkShape>;

interface Criterion {
  readonly expected: string;
  readonly met: boolean;
  readonly saw: string;
}

export async function checkNetwork(expected: NetworkExpected, world: World): Promise<Finding> {
  const name = expected.in;
  const tested = `what is in the network namespace ${name}, by netlink and /proc/net?`;
  const inode = inodeOf(name);
  if (inode === undefined || ask('ip', ['-n', name, 'link']) === undefined)
    return { passed: false, tested, expected: `the network namespace ${name}`, saw: 'no network namespace so named' };
  const criteria = await look(expected, inode, world);
  const failed = criteria.filter(({ met }) => !met);
  return {
    passed: failed.length === 0,
    tested,
    expected: criteria.map((one) => one.expected).join(', ') || 'a network namespace',
    saw: (failed.length > 0 ? failed : criteria).map(({ saw }) => saw).join(', ') || 'it is there',
  };
}

async function look(expected: NetworkExpected, inode: number, world: World): Promise<readonly Criterion[]> {
  const { in: name, device, route, forwarding, process, listens, counts = {} } = expected;
  return [
    ...(device === undefined ? [] : lookAtDevice(name, device)),
    ...(route === undefined ? [] : [lookAtRoute(name, route)]),
    ...(forwarding === undefined ? [] : [lookAtForwarding(name, forwarding)]),
    ...(process === undefined ? [] : [await lookForProcess(process, inode, world)]),
    ...(listens === undefined ? [] : [lookAtPort(name, listens)]),
    ...Object.entries(counts).map(([counter, least]) => lookAtCounter(name, counter, least)),
  ];
}

interface Device {
  readonly flags: readonly string[];
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

function lookAtDevice(namespace: string, { name, kind, up, address, port }: DeviceExpected): Criterion[] {
  const [device] = netlink<Device>(namespace, ['-details', 'address', 'show', 'dev', name]);
  if (device === undefined) return [{ expected: `a device ${name}`, met: false, saw: `no device ${name}` }];
  const addresses = device.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  const list: Criterion[] = [{ expected: `a device ${name}`, met: true, saw: `a device ${name}` }];
  const add = (text: string, met: boolean, saw: string) => list.push({ expected: text, met, saw });
  if (kind !== undefined) {
    const found = device.linkinfo?.info_kind ?? 'nothing that can be made';
    add(`of kind ${kind}`, found === kind, `${name} is of kind ${found}`);
  }
  if (address !== undefined)
    add(`with ${address}`, addresses.includes(address), `${name} has ${addresses.join(' and ') || 'no address'}`);
  if (port !== undefined)
    add(`a port of ${port}`, device.master === port, `${name} is a port of ${device.master ?? 'nothing'}`);
  if (up) add('up, and connected', device.flags.includes('LOWER_UP'), `${name} is ${stateOf(device)}`);
  return list;
}

function stateOf({ flags }: Device): string {
  if (flags.includes('LOWER_UP')) return 'up';
  return flags.includes('UP') ? 'up, but NO-CARRIER: the other end is down' : 'down';
}

interface Route {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

function lookAtRoute(namespace: string, { to, via }: NonNullable<NetworkExpected['route']>): Criterion {
  const routes = netlink<Route>(namespace, ['-4', 'route']);
  const show = ({ dst, gateway, dev }: Route) => `${dst}${gateway === undefined ? ` on ${dev}` : ` via ${gateway}`}`;
  return {
    expected: `a route to ${to}${via === undefined ? '' : ` via ${via}`}`,
    met: routes.some(({ dst, gateway }) => dst === to && (via === undefined || gateway === via)),
    saw: routes.length === 0 ? 'no route at all' : `routes to ${routes.map(show).join(' and ')}`,
  };
}

function lookAtForwarding(namespace: string, wanted: boolean): Criterion {
  const isOn = read(namespace, '/proc/sys/net/ipv4/ip_forward').trim() === '1';
  const say = (on: boolean) => `forwarding ${on ? 'on' : 'off'}`;
  return { expected: say(wanted), met: isOn === wanted, saw: say(isOn) };
}

async function lookForProcess(
  shape: NonNullable<NetworkExpected['process']>,
  inode: number,
  world: World,
): Promise<Criterion> {
  const found = await findProcesses(shape, world);
  const inside = found.find((one) => one.namespaces.net === inode);
  const what = shape.hostname === undefined ? 'a process' : `a process on the machine ${shape.hostname}`;
  const elsewhere = found[0];
  const seen =
    elsewhere === undefined
      ? `nowhere ${what} that is as expected`
      : `${elsewhere.label} in net:[${elsewhere.namespaces.net}], where this one is net:[${inode}]`;
  return { expected: `in it ${what}`, met: inside !== undefined, saw: inside?.label ?? seen };
}

/** States of /proc/net/tcp: `0A` is LISTEN. */
function lookAtPort(namespace: string, port: string): Criterion {
  const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
  const table = `${read(namespace, '/proc/net/tcp')}${read(namespace, '/proc/net/tcp6')}`;
  const met = new RegExp(`: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A `).test(table);
  return { expected: `someone listens at port ${port}`, met, saw: `${met ? 'someone' : 'no one'} listens at ${port}` };
}

/** Two lines of a group: names, then numbers. */
function lookAtCounter(namespace: string, counter: string, least: string): Criterion {
  const [group = '', name = ''] = counter.split('.');
  const [names = [], numbers = []] = read(namespace, '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith(`${group}: `))
    .map((line) => line.split(' '));
  const count = numbers[names.indexOf(name)] ?? 'no';
  return { expected: `${counter} at least ${least}`, met: Number(count) >= Number(least), saw: `${counter} ${count}` };
}

function netlink<T>(namespace: string, args: readonly string[]): readonly T[] {
  const text = ask('ip', ['-n', namespace, '-json', ...args])?.trim() ?? '';
  return text === '' ? [] : (JSON.parse(text) as T[]);
}

const read = (namespace: string, file: string): string => ask('ip', ['netns', 'exec', namespace, 'cat', file]) ?? '';

function inodeOf(name: string): number | undefined {
  return statSync(join('/run/netns', name), { throwIfNoEntry: false })?.ino;
}
