/**
 * A virtual machine → QEMU's options, each with its reason. Pure.
 *
 * Nothing is left to QEMU's defaults: what the guest has is on the list. The options are those of qemu(1), the kernel's
 * parameters those of Documentation/admin-guide/kernel-parameters.txt.
 */
import { TareError } from '../errors.ts';
import { type Parameter, parametersOf } from './parameters.ts';

/** Who executes the guest's instructions: the processor under the kernel's watch, or QEMU's own translator. */
export type Accelerator = 'kvm' | 'tcg';
/** The board: made for virtual machines (Firecracker's model), a PC of 2009 with PCI Express, or one of 1996 with PCI. */
export type MachineType = 'microvm' | 'q35' | 'pc';
/** Devices that know they are not real (para-virtual), or imitations of hardware (full virtualization). */
export type DeviceModel = 'virtio' | 'emulated';

export const machineTypes = ['microvm', 'q35', 'pc'] as const satisfies readonly MachineType[];
export const deviceModels = ['virtio', 'emulated'] as const satisfies readonly DeviceModel[];

/** An open file of QEMU's process. */
export type Fd = number;

/** A file with a filesystem, as a block device of the guest. */
export interface Disk {
  /** As QEMU sees it. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** A tap device of a network namespace of the host: who makes it sees to both. */
export interface Tap {
  readonly name: string;
  /** `/proc/PID/ns/net` */
  readonly namespace: string;
}

/** `user` is QEMU's own TCP/IP. Behind a tap the guest has the same address, and the same router. */
export type MachineNetwork = 'none' | 'user' | Tap;

/** How the guest is to set up its card. */
export const guestNetwork = (network: MachineNetwork): 'none' | 'user' => (network === 'none' ? 'none' : 'user');

/** A directory of the host, served by a virtiofsd that listens at a socket. */
export interface Share {
  /** What the guest mounts. */
  readonly tag: string;
  readonly socket: string;
}

/** The guest's memory as a file, so that it can be kept, and be shared with other processes. */
export interface MemoryFile {
  readonly path: string;
  /** Whether what the guest writes reaches the file: else it stays in this process, and the file serves many. */
  readonly share: boolean;
}

/** A virtual machine: all that QEMU is told. */
export interface Machine {
  /** Shows in lists of processes. */
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly type: MachineType;
  readonly devices: DeviceModel;
  readonly cpus: number;
  /** Of the guest, in bytes. */
  readonly memory: number;
  /** As QEMU sees it: an ELF with a PVH note, or a bzImage. */
  readonly kernel: string;
  readonly initramfs: string;
  readonly disks: readonly Disk[];
  readonly network: MachineNetwork;
  readonly shares: readonly Share[];
  /** Sockets that lead to us: the guest's frames, and QMP. */
  readonly channel: Fd;
  readonly monitor: Fd;
  /** Everything that costs time and that no guest of ours needs is left out. */
  readonly trimmed: boolean;
  /** The host's clock rate, where the guest must not measure it: see `parametersOf`. */
  readonly tscKhz?: number;
  /** See `parametersOf`. */
  readonly wholeKernel?: boolean;
  readonly memoryFile?: MemoryFile;
  /** Start where a snapshot left off, once told so by QMP. */
  readonly resumes?: boolean;
}

/** Of QEMU's command line: words that belong together. */
export interface Option {
  readonly words: readonly [flag: string, ...values: string[]];
  readonly why: string;
}

export interface MachinePlan {
  readonly options: readonly Option[];
  /** What its last option, `-append`, holds. */
  readonly parameters: readonly Parameter[];
}

const option = (why: string, ...words: [string, ...string[]]): Option => ({ words, why });

/** @throws TareError where the parts do not fit together */
export function planMachine(machine: Machine): MachinePlan {
  refuseMisfits(machine);
  const parameters = parametersOf({ ...machine, network: guestNetwork(machine.network) });
  const line = parameters.map(({ text }) => text).join(' ');
  return {
    parameters,
    options: [
      ...boardOptions(machine),
      ...safetyOptions(machine),
      ...memoryOptions(machine),
      ...connectionOptions(machine),
      ...diskOptions(machine),
      ...networkOptions(machine),
      ...shareOptions(machine),
      ...bootOptions(machine),
      option("the kernel's parameters", '-append', line),
    ],
  };
}

export const argvOf = ({ options }: MachinePlan): string[] => options.flatMap(({ words }) => words);

function refuseMisfits({ type, devices, shares }: Machine): void {
  if (type === 'microvm' && devices === 'emulated')
    throw new TareError('give a microvm emulated devices', {
      hint: 'it has no PCI bus, nor a place for them: use --machine q35 or --machine pc',
    });
  if (devices === 'emulated' && shares.length > 0)
    throw new TareError('share a directory with a machine of emulated devices', {
      hint: 'virtiofs is a virtio device: use --devices virtio, or leave out -v',
    });
}

const boards: Record<MachineType, string> = {
  microvm: 'the least board that runs Linux: virtio at fixed addresses, no PCI, no BIOS menus',
  q35: 'a PC of 2009: ICH9, PCI Express',
  pc: 'a PC of 1996: i440FX, PIIX3, PCI and ISA',
};

function boardOptions(machine: Machine): Option[] {
  const { name, accelerator, type, cpus } = machine;
  const cpu = accelerator === 'kvm' ? 'host' : 'max';
  return [
    option('be found in lists of processes', '-name', `${name},process=tare-vm`),
    option(boards[type], '-machine', boardOf(machine)),
    accelerator === 'kvm'
      ? option('the processor runs the guest itself', '-accel', 'kvm')
      : option(
          'QEMU translates the guest: no help from the processor',
          '-accel',
          `tcg,thread=${cpus > 1 ? 'multi' : 'single'}`,
        ),
    option(accelerator === 'kvm' ? "the host's own processor" : 'every feature that the translator knows', '-cpu', cpu),
    option(`${cpus === 1 ? 'one processor' : `${cpus} processors`}`, '-smp', String(cpus)),
  ];
}

/** Within a word of options a comma stands for itself when doubled: qemu(1). */
const quote = (path: string): string => path.replaceAll(',', ',,');

/** What of the PC of old no guest of ours needs is off: each costs the kernel a probe, and the firmware a table. */
function boardOf({ type, trimmed, memoryFile, shares }: Machine): string {
  const pc = trimmed ? ['smm=off', 'vmport=off', 'graphics=off', 'usb=off', 'hpet=off'] : [];
  // Without its clock chip the kernel asks a port where nothing answers, again and again, for seconds.
  const microvm = ['acpi=on', 'pcie=off', 'usb=off', 'rtc=on', 'pic=off', 'pit=off', 'isa-serial=on'];
  const memory = memoryFile === undefined && shares.length === 0 ? [] : ['memory-backend=ram'];
  return [type, ...(type === 'microvm' ? microvm : pc), ...memory].join(',');
}

function safetyOptions({ trimmed }: Machine): Option[] {
  const sandbox = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
  return [
    option('QEMU itself may call nothing that it does not need: seccomp(2)', '-sandbox', sandbox),
    option('no configuration of the host has a say', '-no-user-config'),
    ...(trimmed ? [option('only what is on this list', '-nodefaults')] : []),
    option('no window', '-display', 'none'),
    option('a guest that reboots, as after a panic, has ended', '-no-reboot'),
    option(
      'a guest that cannot speak to us ends QEMU with a status',
      '-device',
      `isa-debug-exit,iobase=${exitPort},iosize=1`,
    ),
  ];
}

/** TARE_EXIT_PORT of native/guest.h. */
const exitPort = '0xf4';

const mebibyte = 2 ** 20;

function memoryOptions({ memory, memoryFile, shares }: Machine): Option[] {
  const size = `${Math.floor(memory / mebibyte)}M`;
  const plain = option(`${size} of memory`, '-m', size);
  if (memoryFile !== undefined) {
    const { path, share } = memoryFile;
    const why = share ? 'memory in a file, to be kept' : 'memory as a snapshot keeps it; what changes is ours alone';
    const object = `memory-backend-file,id=ram,size=${size},mem-path=${quote(path)},share=${share ? 'on' : 'off'}`;
    return [plain, option(why, '-object', object)];
  }
  if (shares.length === 0) return [plain];
  const object = `memory-backend-memfd,id=ram,size=${size},share=on`;
  return [plain, option('memory that virtiofsd may read and write too', '-object', object)];
}

/** Where a virtio device lies: of a microvm at an address of its own, elsewhere on the PCI bus. */
const virtio = (type: MachineType, name: string): string => (type === 'microvm' ? `${name}-device` : `${name}-pci`);

function connectionOptions({ type, devices, channel, monitor }: Machine): Option[] {
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

function diskOptions({ type, devices, disks }: Machine): Option[] {
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

function networkOptions({ type, devices, network, trimmed }: Machine): Option[] {
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

function shareOptions({ type, shares }: Machine): Option[] {
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

function bootOptions({ kernel, initramfs, resumes }: Machine): Option[] {
  return [
    option('the kernel, loaded by QEMU: no boot loader', '-kernel', kernel),
    option('the first files: modules and init', '-initrd', initramfs),
    ...(resumes === true ? [option('wait for the state of a snapshot', '-incoming', 'defer')] : []),
  ];
}
