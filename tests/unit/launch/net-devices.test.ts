import { expect, test } from 'vitest';
import { moveIn, moveOut } from '../../../src/launch/net-devices.ts';
import { deviceOf, type NetDevice, type Message } from '../../../src/linux/netlink.ts';
import { bareSpec, calls, compiled, difference } from './examples.ts';

const network = { namespaces: [{ type: 'network' as const }] };
const directory = { root: { kind: 'directory' as const, path: '/srv/root' }, seccomp: undefined };

const address = { text: '192.0.2.5/24', family: 2, prefix: 24, attributes: new Uint8Array(8) };
const card: NetDevice = { name: 'eth1', index: 7, up: false, addresses: [address] };

test('a container says when its network is there, and waits until what it gets has come', () => {
  const without = compiled(bareSpec(network), directory);
  const given = compiled(bareSpec({ ...network, netDevices: { eth1: {} } }), directory);
  expect(difference(without, given)).toMatchInlineSnapshot(`
    "+ sendto($sync, {STOPPED: devices}, 16, MSG_NOSIGNAL, 0, 0)
    + read($sync, {byte}, 1)"
  `);
});

test('a device moves with its addresses, and is up then', () => {
  expect(calls(moveIn([{ device: card, inside: 'wan' }])).join('\n')).toMatchInlineSnapshot(`
    "$netlink = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)
    $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)
    setns($container, CLONE_NEWNET)
    $netlink = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)
    $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)
    ioctl($socket, SIOCGIFINDEX, {ifr_name: "eth1", ifr_ifindex: $index})
    sendmsg($netlink, {RTM_NEWLINK, ifi_index: $index, IFLA_IFNAME: "wan", IFLA_NET_NS_FD: $container}, 0)
    recvfrom($netlink, {nlmsghdr, error: $answer}, 32, MSG_DONTWAIT, 0, 0)  // or EAGAIN
    ioctl($socket, SIOCGIFINDEX, {ifr_name: "wan", ifr_ifindex: $index})
    sendmsg($netlink, {RTM_NEWADDR, ifa_index: $index, IFA_ADDRESS: 192.0.2.5/24}, 0)
    recvfrom($netlink, {nlmsghdr, error: $answer}, 32, MSG_DONTWAIT, 0, 0)  // or EAGAIN
    sendmsg($netlink, {RTM_NEWLINK, ifi_index: $index, ifi_flags: IFF_UP, ifi_change: IFF_UP}, 0)
    recvfrom($netlink, {nlmsghdr, error: $answer}, 32, MSG_DONTWAIT, 0, 0)  // or EAGAIN
    exit_group(0)"
  `);
});

test('on its way back it gets its own name, and stays as it was', () => {
  expect(calls(moveOut([{ device: card, inside: 'wan' }])).join('\n')).toMatchInlineSnapshot(`
    "$home = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY|O_CLOEXEC, 0)
    $netlink = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)
    $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)
    setns($container, CLONE_NEWNET)
    $netlink = socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE)
    $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)
    ioctl($socket, SIOCGIFINDEX, {ifr_name: "wan", ifr_ifindex: $index})
    sendmsg($netlink, {RTM_NEWLINK, ifi_index: $index, IFLA_IFNAME: "eth1", IFLA_NET_NS_FD: $home}, 0)
    recvfrom($netlink, {nlmsghdr, error: $answer}, 32, MSG_DONTWAIT, 0, 0)  // or EAGAIN
    ioctl($socket, SIOCGIFINDEX, {ifr_name: "eth1", ifr_ifindex: $index})
    sendmsg($netlink, {RTM_NEWADDR, ifa_index: $index, IFA_ADDRESS: 192.0.2.5/24}, 0)
    recvfrom($netlink, {nlmsghdr, error: $answer}, 32, MSG_DONTWAIT, 0, 0)  // or EAGAIN
    exit_group(0)"
  `);
});

/** `struct ifinfomsg` and `struct ifaddrmsg`, as the kernel answers. */
function link(index: number, flags: number): Message {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  return { type: 16, body };
}

function addressAt(index: number, scope: number, flags: number, value: readonly number[]): Message {
  const body = Buffer.alloc(8);
  body.set([value.length === 4 ? 2 : 10, 24, flags, scope]);
  body.writeUInt32LE(index, 4);
  return { type: 20, body: Buffer.concat([body, Buffer.from([4 + value.length, 0, 1, 0, ...value])]) };
}

test('of its addresses those go along that stay and are for everybody', () => {
  const permanent = 0x80;
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
  const all = [
    addressAt(7, 0, permanent, [192, 0, 2, 5]),
    addressAt(7, 0, permanent, v6),
    addressAt(7, 0, 0, [192, 0, 2, 6]),
    addressAt(7, 253, permanent, [169, 254, 0, 1]),
    addressAt(8, 0, permanent, [192, 0, 2, 7]),
  ];
  const found = deviceOf('eth1', [link(7, 0x1003)], () => all);
  expect(found).toMatchObject({ name: 'eth1', index: 7, up: true });
  expect(found?.addresses.map(({ text }) => text)).toEqual(['192.0.2.5/24', '2001:db8::5/24']);
  expect(deviceOf('eth1', [{ type: 2, body: Buffer.alloc(4) }], () => all)).toBeUndefined();
});
