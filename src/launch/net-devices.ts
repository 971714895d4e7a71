/**
 * Network devices of the host that a container gets: config-linux.md, "Network Devices". Pure.
 *
 * The container's process may have no power over the host's network, and who joins it from a user namespace none over the
 * container's: so another process of ours, with power over both, opens its sockets on the host, joins the container's network
 * and opens others there. A socket stays where it was opened. On its way the kernel switches a device off and takes its
 * addresses; all else that it has stays.
 */
import type { Errno } from '../linux/abi.ts';
import { AF, AT_FDCWD, CLONE, flags, IOCTL, MSG, named, O, SOCK } from '../linux/flags.ts';
import {
  attribute,
  header,
  IFF_UP,
  IFLA,
  nameAttribute,
  type NetAddress,
  type NetDevice,
  NLM_F,
  RTM,
} from '../linux/netlink.ts';
import { innerFd, syncFd } from './bootstrap.ts';
import { nameField } from './namespaces.ts';
import { type Cell, cell, data, type Data, type Field, type Program, ProgramBuilder } from './program.ts';

export interface NetDeviceMove {
  readonly device: NetDevice;
  /** What it is called in the container. Until it is there it may be a template: `eth%d`. */
  readonly inside: string;
}

/** Of the process that moves them, which has the standard streams; its inner fd is the container's network namespace. */
const payloadFds = 3;

const containerNetwork = (): Cell => cell('container', innerFd(payloadFds, 0));

/** From the host to the container. */
export function moveIn(moves: readonly NetDeviceMove[]): Program {
  const b = new ProgramBuilder().stage('network devices');
  const container = containerNetwork();
  const host = openSide(b, 'the host');
  b.op("join the container's network", 'setns', [container, flags(CLONE, 'NEWNET')]);
  const inside = openSide(b, 'the container');
  for (const { device, inside: name } of moves)
    transfer(b, { from: host, to: inside, target: container, place: 'the container' }, device, {
      before: device.name,
      after: name,
      up: true,
    });
  b.op('leave', 'exit_group', [0]);
  return { ops: b.ops, report: reportTo() };
}

/** Back again, with the addresses that they had, and up if they were. */
export function moveOut(moves: readonly NetDeviceMove[]): Program {
  const b = new ProgramBuilder().stage('network devices');
  const own = [AT_FDCWD, '/proc/self/ns/net', flags(O, 'RDONLY', 'CLOEXEC'), 0];
  const home = b.result('home', "open the host's network", 'openat', own);
  const host = openSide(b, 'the host');
  b.op("join the container's network", 'setns', [containerNetwork(), flags(CLONE, 'NEWNET')]);
  const inside = openSide(b, 'the container');
  for (const { device, inside: name } of moves)
    transfer(b, { from: inside, to: host, target: home, place: 'the host' }, device, {
      before: name,
      after: device.name,
      up: device.up,
    });
  b.op('leave', 'exit_group', [0]);
  return { ops: b.ops, report: reportTo() };
}

const reportTo = (): Cell => cell('sync', syncFd(payloadFds));

/** Sockets of one network namespace: for what rtnetlink(7) is asked, and for what netdevice(7) is. */
interface Side {
  readonly netlink: Cell;
  readonly plain: Cell;
}

function openSide(b: ProgramBuilder, place: string): Side {
  const why = `open a socket in the network of ${place}`;
  const kinds = [flags(AF, 'NETLINK'), flags(SOCK, 'RAW', 'CLOEXEC'), named(0, 'NETLINK_ROUTE')];
  const netlink = b.result('netlink', why, 'socket', kinds);
  const plain = b.result('socket', why, 'socket', [flags(AF, 'INET'), flags(SOCK, 'DGRAM', 'CLOEXEC'), 0]);
  return { netlink, plain };
}

interface Way {
  readonly from: Side;
  readonly to: Side;
  /** The network namespace that `to` is in. */
  readonly target: Cell;
  readonly place: string;
}

interface Naming {
  readonly before: string;
  readonly after: string;
  readonly up: boolean;
}

function transfer(b: ProgramBuilder, way: Way, { addresses }: NetDevice, { before, after, up }: Naming): void {
  const renamed = before === after ? '' : ` as ${after}`;
  const leaving = indexOf(b, way.from.plain, before);
  request(b, way.from.netlink, `move the network device ${before} to ${way.place}${renamed}`, {
    text: `{RTM_NEWLINK, ifi_index: $${leaving.name}, IFLA_IFNAME: "${after}", IFLA_NET_NS_FD: $${way.target.name}}`,
    parts: linkMessage(leaving, after, way.target),
    hints: {
      EEXIST: `there is a device ${after} already: give it another name`,
      EINVAL: 'it belongs to its network namespace, as a loopback device does',
      EPERM: 'needs CAP_NET_ADMIN over both networks',
    },
  });
  const arrived = indexOf(b, way.to.plain, after);
  for (const address of addresses)
    request(b, way.to.netlink, `give ${after} its address ${address.text} again`, {
      text: `{RTM_NEWADDR, ifa_index: $${arrived.name}, IFA_ADDRESS: ${address.text}}`,
      parts: addressMessage(arrived, address),
      hints: { EACCES: 'IPv6 is switched off there', EPERM: 'needs CAP_NET_ADMIN over the network' },
    });
  if (!up) return;
  // Of its flags this one alone: SIOCSIFFLAGS would have taken the others away.
  request(b, way.to.netlink, `bring ${after} up`, {
    text: `{RTM_NEWLINK, ifi_index: $${arrived.name}, ifi_flags: IFF_UP, ifi_change: IFF_UP}`,
    parts: upMessage(arrived),
    hints: {},
  });
}

/** The number of a device, which is another in each namespace. */
function indexOf(b: ProgramBuilder, socket: Cell, name: string): Cell {
  const index = cell('index');
  const block = data(`{ifr_name: "${name}", ifr_ifindex: $index}`, [
    { bytes: nameField(name) },
    { cell: index, width: 4 },
    { bytes: new Uint8Array(20) },
  ]);
  b.op(`find the network device ${name}`, 'ioctl', [socket, flags(IOCTL, 'SIOCGIFINDEX'), block], {
    hints: { ENODEV: 'it has gone' },
  });
  return index;
}

/** A message is put together from bytes and from what cells hold, four bytes each. */
type Part = Uint8Array | Cell;

interface Request {
  readonly text: string;
  readonly parts: readonly Part[];
  readonly hints: Partial<Record<Errno, string>>;
}

const isCell = (part: Part): part is Cell => 'kind' in part;
const sizeOf = (part: Part): number => (isCell(part) ? 4 : part.length);

/** More than any message has: who is told anything is told of an error. */
const never = 2 ** 31 - 1;

/**
 * Unless it is asked for a word of consent the kernel answers with an error or not at all, and has done so when `sendmsg`
 * returns: then there is nothing to be read, which is what must be.
 */
function request(b: ProgramBuilder, socket: Cell, why: string, { text, parts, hints }: Request): void {
  const size = parts.reduce((sum, part) => sum + sizeOf(part), 0);
  b.op(why, 'sendmsg', [socket, gather(text, parts), 0], { min: size });
  const answer = cell('answer');
  const block = data('{nlmsghdr, error: $answer}', [
    { bytes: new Uint8Array(16) },
    { cell: answer, width: 4 },
    { bytes: new Uint8Array(12) },
  ]);
  b.op(why, 'recvfrom', [socket, block, 32, flags(MSG, 'DONTWAIT'), 0, 0], {
    min: never,
    allow: ['EAGAIN'],
    answer,
    hints,
  });
}

/** `struct msghdr` of sendmsg(2). */
function gather(text: string, parts: readonly Part[]): Data {
  const vector = parts.flatMap((part): Field[] => {
    const base: Field = isCell(part) ? { slot: part } : { address: data('{bytes}', [{ bytes: part }]) };
    return [base, { u64: sizeOf(part) }];
  });
  return data(text, [
    { address: null },
    { u64: 0 },
    { address: data('{iov}', vector) },
    { u64: parts.length },
    { address: null },
    { u64: 0 },
    { u64: 0 },
  ]);
}

/** `struct ifinfomsg`, then the new name and the file of the namespace, which comes last. */
function linkMessage(index: Cell, name: string, target: Cell): Part[] {
  const fd = attribute(IFLA.NET_NS_FD, new Uint8Array(4)).subarray(0, 4);
  const rest = Buffer.concat([Buffer.alloc(8), nameAttribute(name), fd]);
  const head = header(RTM.NEWLINK, 0, 4 + 4 + rest.length + 4);
  return [Buffer.concat([head, Buffer.alloc(4)]), index, rest, target];
}

/** `struct ifinfomsg`, with which of the flags change, and to what. */
function upMessage(index: Cell): Part[] {
  const change = Buffer.alloc(8);
  change.writeUInt32LE(IFF_UP, 0);
  change.writeUInt32LE(IFF_UP, 4);
  return [Buffer.concat([header(RTM.NEWLINK, 0, 4 + 4 + change.length), Buffer.alloc(4)]), index, change];
}

/** `struct ifaddrmsg`; the scope is RT_SCOPE_UNIVERSE. */
function addressMessage(index: Cell, { family, prefix, attributes }: NetAddress): Part[] {
  const head = header(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, 4 + 4 + attributes.length);
  return [Buffer.concat([head, Buffer.from([family, prefix, 0, 0])]), index, attributes];
}
