/**
 * What a guest sees of its machine: a script for the guest's shell, and what it says, a fact a line. Pure.
 *
 *     cpuid 0x40000000 40000001 54474354 43544743 47435447     EAX EBX ECX EDX, from /dev/cpu/0/cpuid
 *     file /sys/class/dmi/id/sys_vendor QEMU                   the first line of a file
 *     acpi BOCHS BXPC                                          who made ACPI's tables
 *     bus virtio                                               the kernel has this bus
 *     own pid                                                  a namespace that is not the machine's first
 *     device pci 0000:00:02.0 8086:100e e1000                  bus, name, what it is to the bus, its driver or -
 *
 * Facts about a platform captured on any machine have the same form: see fixtures/platform.
 */
import type { RunRequest } from '../spec/request.ts';
import type { PayloadFacts } from './guest-payload.ts';
import { cpuidLeaves, leafName, type Registers } from '../linux/cpuid.ts';
import { paraBuses, type PlatformFacts, platformFiles } from '../linux/platform.ts';

/** A device as a guest sees it. */
export interface GuestDevice {
  readonly bus: string;
  /** As /sys/bus/BUS/devices calls it. */
  readonly name: string;
  /** By what its driver is found: `8086:100e` on pci, `0x0002` on virtio, `PNP0501` on pnp. */
  readonly id: string;
  /** Undefined where none has taken it. */
  readonly driver: string | undefined;
}

export interface Inspection {
  readonly platform: PlatformFacts;
  readonly devices: readonly GuestDevice[];
}

/** Modules that an inspection wants loaded in the guest. */
export const inspectionModules: readonly string[] = ['cpuid'];

const processor = '/dev/cpu/0/cpuid';

/** Of a payload: the script, in a container that shows what the guest has of it. The image must have a shell. */
export const inspectionRequest = (): Partial<RunRequest> => ({
  args: ['sh', '-c', inspectionScript()],
  systemPaths: 'unconfined',
  mounts: [{ type: 'bind', source: processor, target: processor, options: ['bind', 'ro'] }],
});

/** Where the guest has what the request mounts: it comes from no host. */
export const inspectionVolumes: PayloadFacts['volumes'] = new Map([[processor, { path: processor, kind: 'file' }]]);

/** Where each bus says what a device is. */
const ids: Readonly<Record<string, readonly string[]>> = {
  pci: ['vendor', 'device'],
  virtio: ['device'],
  pnp: ['id'],
  scsi: ['model'],
  serio: ['description'],
  vmbus: ['class_id'],
  xen: ['devtype'],
};

/** For a POSIX shell with the tools of busybox. Says nothing of what is not there. */
export function inspectionScript(): string {
  const buses = Object.entries(ids).map(([bus, files]) => `devices ${bus} ${files.join(' ')}`);
  return `
cpuid() {
  words=$(dd if=/dev/cpu/0/cpuid bs=16 count=1 skip=$1 iflag=skip_bytes 2>/dev/null | hexdump -v -e '4/4 "%08x "')
  [ -z "$words" ] || echo "cpuid $2 $words"
}
file() {
  cat $1 >/dev/null 2>&1 || return 0
  echo "file $1 $(head -n 1 $1 | tr '\\000' ' ')"
}
devices() {
  bus=$1; shift
  [ -d /sys/bus/$bus/devices ] || return 0
  echo "bus $bus"
  for device in /sys/bus/$bus/devices/*; do
    [ -e $device ] || continue
    id=
    for part; do [ ! -r $device/$part ] || id=$id:$(head -n 1 $device/$part | tr -s ' ' _); done
    [ -n "$id" ] || continue
    driver=-
    [ ! -e $device/driver ] || driver=$(basename $(readlink $device/driver))
    echo "device $bus \${device##*/} \${id#:} $driver"
  done
}
${cpuidLeaves.map((leaf) => `cpuid ${leaf} ${leafName(leaf)}`).join('\n')}
${Object.values(platformFiles)
  .map((path) => `file ${path}`)
  .join('\n')}
[ ! -r ${acpiTable} ] || echo "acpi $(dd if=${acpiTable} bs=1 skip=10 count=14 2>/dev/null)"
${buses.join('\n')}
`.trimStart();
}

const acpiTable = '/sys/firmware/acpi/tables/FACP';

/** Lines of no known form are passed over: the guest's kernel may have its say on the same console. */
export function parseInspection(text: string): Inspection {
  const cpuid: Record<string, Registers> = {};
  const files: Record<string, string> = {};
  const buses: Record<string, number> = {};
  const ownNamespaces: string[] = [];
  const devices: GuestDevice[] = [];
  let acpi: string | undefined;
  for (const line of text.split('\n')) {
    const [kind, first = '', ...rest] = line.trimEnd().split(' ');
    if (kind === 'cpuid') {
      const [eax = 0, ebx = 0, ecx = 0, edx = 0] = rest.map((word) => Number.parseInt(word, 16));
      cpuid[first] = [eax, ebx, ecx, edx];
    } else if (kind === 'file') files[first] = rest.join(' ');
    else if (kind === 'acpi') acpi = [first, ...rest].join(' ');
    else if (kind === 'own') ownNamespaces.push(first);
    else if (kind === 'bus' && isParaBus(first)) buses[first] ??= 0;
    else if (kind === 'device') {
      const [name = '', id = '', driver = '-'] = rest;
      devices.push({
        bus: first,
        name,
        id: id.replaceAll('0x', first === 'pci' ? '' : '0x'),
        driver: driver === '-' ? undefined : driver,
      });
      if (isParaBus(first)) buses[first] = (buses[first] ?? 0) + 1;
    }
  }
  return { platform: { cpuid, files, ...(acpi === undefined ? {} : { acpi }), buses, ownNamespaces }, devices };
}

const isParaBus = (name: string): boolean => (paraBuses as readonly string[]).includes(name);
