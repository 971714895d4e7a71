/** The guest's side of a network behind QEMU's own TCP/IP (`-netdev user`): netdevice(7), rtnetlink is not needed for one address. Pure. */
import { raiseInterface } from '../launch/namespaces.ts';
import { type Cell, data, type Field, type ProgramBuilder } from '../launch/program.ts';
import { octal } from '../launch/stage.ts';
import { AF, AT_FDCWD, flags, IOCTL, O, SOCK } from '../linux/flags.ts';

/** As QEMU hands them out: qemu(1), "-netdev user". */
const [address, mask, router, resolver] = ['10.0.2.15', '255.255.255.0', '10.0.2.2', '10.0.2.3'] as const;

/** The first network card, whatever drives it: without udev(7) nobody renames it. */
const card = 'eth0';

const bytesOf = (ip: string): Uint8Array => Uint8Array.from(ip.split('.'), Number);
const zeros = (count: number): Field => ({ bytes: new Uint8Array(count) });

/** `struct sockaddr_in`. */
const socketAddress = (ip: string): Field[] => [{ u16: 2 }, { u16: 0 }, { bytes: bytesOf(ip) }, zeros(8)];

/** Gives the card its address and the way out, and writes a resolv.conf(5) for the payload. */
export function configureNetwork(b: ProgramBuilder, resolvConf: string): void {
  const kinds = [flags(AF, 'INET'), flags(SOCK, 'DGRAM', 'CLOEXEC'), 0];
  const socket = b.result('socket', 'open a socket to configure the card', 'socket', kinds);
  setAddress(b, socket, `give ${card} the address ${address}`, 'SIOCSIFADDR', address);
  setAddress(b, socket, `set the network mask of ${card} to ${mask}`, 'SIOCSIFNETMASK', mask);
  raiseInterface(b, card, card);
  const everywhere = '0.0.0.0';
  // `struct rtentry`: RTF_UP|RTF_GATEWAY
  const route = data(`{rt_gateway: ${router}}`, [
    zeros(8),
    ...socketAddress(everywhere),
    ...socketAddress(router),
    ...socketAddress(everywhere),
    { u16: 3 },
    zeros(62),
  ]);
  b.op(`send what is not for the network to ${router}`, 'ioctl', [socket, flags(IOCTL, 'SIOCADDRT'), route]);
  b.op('close the socket', 'close', [socket]);
  const create = [AT_FDCWD, resolvConf, flags(O, 'WRONLY', 'CREAT', 'CLOEXEC'), octal(0o644)];
  const file = b.result('file', `make ${resolvConf}`, 'openat', create);
  const line = `nameserver ${resolver}\n`;
  b.op(`have names resolved by ${resolver}`, 'write', [file, line, line.length], { min: line.length });
  b.op(`close ${resolvConf}`, 'close', [file]);
}

function setAddress(
  b: ProgramBuilder,
  socket: Cell,
  why: string,
  request: 'SIOCSIFADDR' | 'SIOCSIFNETMASK',
  ip: string,
): void {
  const name = new Uint8Array(16);
  name.set(Buffer.from(card));
  const block = data(`{ifr_name: "${card}", ${ip}}`, [{ bytes: name }, ...socketAddress(ip), zeros(8)]);
  b.op(why, 'ioctl', [socket, flags(IOCTL, request), block], {
    hints: { ENODEV: 'the machine has no network card, or no driver has found it' },
  });
}
