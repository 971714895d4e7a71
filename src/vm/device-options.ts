/** QEMU's options for the devices of a machine, each with its reason. Pure. */
import type { Machine, MachineType, Tap } from './machine.ts';

/** Of QEMU's command line: words that belong together. */
export interface Option {
  readonly words: readonly [flag: string, ...values: string[]];
  readonly why: string;
}

export const option = (why: string, ...words: [string, ...string[]]): Option => ({ words, why });

/** Within a word of options a comma stands for itself when doubled: qemu(1). */
export const quote = (path: string): string => path.replaceAll(',', ',,');

/** Where a virtio device lies: of a microvm at an address of its own, elsewhere on the PCI bus. */
const virtio = (type: MachineType, name: string): string => (type === 'microvm' ? `${name}-device` : `${name}-pci`);

export function connectionOptions({ type, devices, channel, monitor }: Machine): Option[] {
  const ports: Option[] =
    devices === 'virtio'
      ? [
          option(
            'a bus for one port to the host, besides port 0',
            '-device',
            `${virtio(type, 'virtio-serial')},max_ports=2`,
          ),
          option(
            'the port on which guest and host exchange frames',
            '-device',
            'virtserialport,chardev=channel,name=tare',
          ),
        ]
      : [option('frames go through the second serial port, a 16550', '-serial', 'chardev:channel')];
  return [
    option('what the guest prints goes to our pipe', '-chardev', 'stdio,id=console,signal=off'),
    option('its first serial port, a 16550: it works before any driver does', '-serial', 'chardev:console'),
    option('a socket of ours for frames', '-chardev', `socket,id=channel,fd=${channel}`),
    ...ports,
    option('a socket of ours for QMP', '-chardev', `socket,id=monitor,fd=${monitor}`),
    option('ask QEMU and be told by it', '-mon', 'chardev=monitor,mode=control'),
  ];
}

export function diskOptions({ type, devices, disks }: Machine): Option[] {
  return disks.flatMap(({ path, readOnly }, index) => {
    const id = `disk${index}`;
    // An imitated disk has no switch against writing: it gets a layer of its own that is thrown away.
    const only = devices === 'virtio' ? 'read-only=on' : 'snapshot=on';
    const access = readOnly ? only : 'cache=none,aio=native';
    const bus: Record<MachineType, string> = { microvm: '', q35: `bus=ide.${index}`, pc: `bus=ide.${index % 2}` };
    const device =
      devices === 'virtio' ? `${virtio(type, 'virtio-blk')},drive=${id}` : `ide-hd,drive=${id},${bus[type]}`;
    const why = readOnly ? 'the image, which is only read' : 'a disk to write to, past the host’s page cache';
    const kind = devices === 'virtio' ? 'a virtio disk' : `an imitated disk on ${type === 'q35' ? 'AHCI' : 'IDE'}`;
    return [
      option(why, '-drive', `if=none,id=${id},format=raw,file=${quote(path)},${access}`),
      option(kind, '-device', device),
    ];
  });
}

export function networkOptions({ type, devices, network, trimmed }: Machine): Option[] {
  if (network === 'none') return trimmed ? [option('no network', '-nic', 'none')] : [];
  // A card on a PCI bus brings a program for booting from the network, which the firmware would run.
  const rom = type !== 'microvm' && trimmed ? ',romfile=' : '';
  const card = devices === 'virtio' ? virtio(type, 'virtio-net') : 'e1000';
  return [
    network === 'user'
      ? option("a network behind QEMU's own TCP/IP: no privileges needed", '-netdev', 'user,id=net')
      : option('a network behind a tap of the host', '-netdev', tapOf(network)),
    option(
      devices === 'virtio' ? 'a virtio network card' : 'an imitated Intel 82540EM',
      '-device',
      `${card},netdev=net${rom}`,
    ),
  ];
}

const tapOf = ({ name }: Tap): string => `tap,id=net,ifname=${quote(name)},script=no,downscript=no,vhost=off`;

export function shareOptions({ type, shares }: Machine): Option[] {
  // At fixed addresses QEMU makes devices of the draft before virtio 1.0, unless told not to.
  const modern = option('virtiofsd speaks virtio 1.0 only', '-global', 'virtio-mmio.force-legacy=false');
  const options = shares.flatMap(({ tag, socket }, index) => [
    option(`where the virtiofsd of ${tag} listens`, '-chardev', `socket,id=share${index},path=${quote(socket)}`),
    option(
      'a directory of the host, as a filesystem',
      '-device',
      `${virtio(type, 'vhost-user-fs')},chardev=share${index},tag=${tag}`,
    ),
  ]);
  return type === 'microvm' && shares.length > 0 ? [modern, ...options] : options;
}

export function balloonOptions({ type, balloon }: Machine): Option[] {
  if (balloon !== true) return [];
  // Without the deflating a guest that has given too much would kill its payload for want of it.
  const device = `${virtio(type, 'virtio-balloon')},deflate-on-oom=on`;
  return [option('memory that the guest can give back while it runs', '-device', device)];
}
