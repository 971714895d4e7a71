/**
 * A virtual machine → QEMU's options, each with its reason. Pure.
 *
 * Nothing is left to QEMU's defaults: what the guest has is on the list. The options are those of qemu(1), the kernel's
 * parameters those of Documentation/admin-guide/kernel-parameters.txt.
 */
import { TareError } from '../errors.ts';
import {
  balloonOptions,
  connectionOptions,
  diskOptions,
  networkOptions,
  type Option,
  option,
  quote,
  shareOptions,
} from './device-options.ts';
import { guestNetwork, type Machine, type MachineType } from './machine.ts';
import { type Parameter, parametersOf } from './parameters.ts';

export interface MachinePlan {
  readonly options: readonly Option[];
  /** What its last option, `-append`, holds. */
  readonly parameters: readonly Parameter[];
}

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
      ...balloonOptions(machine),
      ...bootOptions(machine),
      option("the kernel's parameters", '-append', line),
    ],
  };
}

export const argvOf = ({ options }: MachinePlan): string[] => options.flatMap(({ words }) => words);

function refuseMisfits({ type, devices, shares, balloon }: Machine): void {
  if (type === 'microvm' && devices === 'emulated')
    throw new TareError('give a microvm emulated devices', {
      hint: 'it has no PCI bus, nor a place for them: use --machine q35 or --machine pc',
    });
  if (devices === 'emulated' && shares.length > 0)
    throw new TareError('share a directory with a machine of emulated devices', {
      hint: 'virtiofs is a virtio device: use --devices virtio, or leave out -v',
    });
  if (devices === 'emulated' && balloon === true)
    throw new TareError('give a machine of emulated devices a balloon', {
      hint: 'it is a virtio device: no hardware has ever given memory back',
    });
}

const boards: Record<MachineType, string> = {
  microvm: 'the least board that runs Linux: virtio at fixed addresses, no PCI, no BIOS menus',
  q35: 'a PC of 2009: ICH9, PCI Express',
  pc: 'a PC of 1996: i440FX, PIIX3, PCI and ISA',
};

function boardOptions(machine: Machine): Option[] {
  const { name, accelerator, type, cpus } = machine;
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
    accelerator === 'kvm'
      ? option("the host's own processor", '-cpu', 'host')
      : machine.trimmed
        ? option(
            'every feature that the translator knows but copying by single bytes: by eight it takes an eighth of the time',
            '-cpu',
            'max,-erms,-fsrm',
          )
        : option('every feature that the translator knows', '-cpu', 'max'),
    option(`${cpus === 1 ? 'one processor' : `${cpus} processors`}`, '-smp', String(cpus)),
  ];
}

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

function bootOptions({ kernel, initramfs, resumes }: Machine): Option[] {
  return [
    option('the kernel, loaded by QEMU: no boot loader', '-kernel', kernel),
    option('the first files: modules and init', '-initrd', initramfs),
    ...(resumes === true ? [option('wait for the state of a snapshot', '-incoming', 'defer')] : []),
  ];
}
