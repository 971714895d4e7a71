/**
 * Which hypervisor is this machine in, if any, and of what kind is it? A decision table over facts that were read before,
 * so that facts captured on other machines test it. Pure.
 *
 * Type 1 runs on the hardware itself, type 2 as a program of a host's operating system (Goldberg, Architectural Principles
 * for Virtual Computer Systems, 1973). Full: the guest need not know. Para: the guest calls the hypervisor by agreement.
 */
import { type Cpuid, hasHypervisorBit, leafName, signatures } from './cpuid.ts';

/** What tells of a hypervisor or a container, as it was read on the host. */
export interface PlatformFacts {
  readonly cpuid: Cpuid;
  /** Contents, by path, of those of `platformFiles` that can be read. */
  readonly files: Readonly<Record<string, string>>;
  /** Who made ACPI's tables, and which: bytes 10 to 24 of the fixed one (FACP). Only root may read them. */
  readonly acpi?: string;
  /** How many devices there are on each of `paraBuses` that the kernel has. */
  readonly buses: Readonly<Record<string, number>>;
  /** Namespaces of this process that are not the machine's first. */
  readonly ownNamespaces: readonly string[];
}

const dmi = (name: string): string => `/sys/class/dmi/id/${name}`;
const clock = (name: string): string => `/sys/devices/system/clocksource/clocksource0/${name}_clocksource`;

/** The files that tell, as far as they are there. */
export const platformFiles = {
  vendor: dmi('sys_vendor'),
  product: dmi('product_name'),
  bios: dmi('bios_vendor'),
  clock: clock('current'),
  clocks: clock('available'),
  xen: '/sys/hypervisor/type',
  xenGuest: '/sys/hypervisor/guest_type',
  xenRights: '/proc/xen/capabilities',
  release: '/proc/sys/kernel/osrelease',
  initEnvironment: '/proc/1/environ',
  manager: '/run/host/container-manager',
  systemd: '/run/systemd/container',
  podman: '/run/.containerenv',
  docker: '/.dockerenv',
} as const;
export type PlatformFile = keyof typeof platformFiles;

/** Buses whose devices exist in machines only, and the bus's maker. */
export const paraBuses = ['virtio', 'vmbus', 'xen'] as const;

interface Hypervisor {
  readonly name: string;
  /** In CPUID. Several makers have changed theirs. */
  readonly signatures: readonly string[];
  /** In DMI, where the signature is hidden or another's. */
  readonly dmi?: RegExp;
  readonly type: Platform['type'];
  readonly why: string;
}

const hosted = 'a program of the host runs the guest';
const bare = 'it runs on the hardware itself';

/** Those that say they are another come before the other. */
const hypervisors: readonly Hypervisor[] = [
  // By default it offers KVM's interface, signature and all: the manual of VirtualBox, "Paravirtualization Providers".
  { name: 'VirtualBox', signatures: ['VBoxVBoxVBox'], dmi: /VirtualBox|innotek/, type: '2', why: hosted },
  {
    name: 'QEMU TCG',
    signatures: ['TCGTCGTCGTCG'],
    type: '2',
    why: 'a program of the host translates the guest’s code',
  },
  {
    name: 'KVM',
    signatures: ['KVMKVMKVM', 'Linux KVM Hv'],
    type: '1',
    why: 'a part of the host’s kernel; 2 to those who count QEMU and its like to it',
  },
  { name: 'Xen', signatures: ['XenVMMXenVMM'], dmi: /^Xen\b/, type: '1', why: bare },
  {
    name: 'VMware',
    signatures: ['VMwareVMware'],
    dmi: /VMware/,
    type: '1 or 2',
    why: '1 is ESXi, 2 are Workstation and Fusion; a guest cannot tell',
  },
  {
    name: 'bhyve',
    signatures: ['bhyve bhyve'],
    dmi: /BHYVE/,
    type: '2',
    why: 'a module of FreeBSD’s kernel and a program',
  },
  { name: 'Parallels', signatures: ['lrpepyh  vr', 'prl hyperv'], dmi: /Parallels/, type: '2', why: hosted },
  { name: 'Apple Virtualization', signatures: ['Apple VZ'], dmi: /Apple Virtualization/, type: '2', why: hosted },
  { name: 'ACRN', signatures: ['ACRNACRNACRN'], type: '1', why: bare },
  { name: 'Jailhouse', signatures: ['Jailhouse'], type: '1', why: bare },
  { name: 'QNX', signatures: ['QNXQVMBSQG'], type: '1', why: bare },
  // Others pretend to be this one, for the sake of Windows, and then say who they are 0x100 leaves on.
  {
    name: 'Hyper-V',
    signatures: ['Microsoft Hv'],
    dmi: /^Microsoft Corporation .*Virtual Machine/,
    type: '1',
    why: bare,
  },
];

/** The program that makes the machine's devices, by what it writes into DMI or ACPI. */
const monitors: readonly (readonly [name: string, seen: RegExp])[] = [
  ['Firecracker', /FIRECK/],
  ['Cloud Hypervisor', /Cloud Hypervisor|CLOUDH/],
  ['crosvm', /crosvm|CROSVM/i],
  ['Amazon Nitro', /Amazon EC2/],
  ['Google Compute Engine', /Google/],
  ['QEMU', /QEMU|BOCHS|BXPC/],
];

/** On what this system runs, of what kind that is, and what tells so. */
export interface Platform {
  /** `KVM`, `an unknown hypervisor`; undefined on bare metal. */
  readonly hypervisor: string | undefined;
  /** `QEMU`, `Firecracker`: who makes the devices, where that can be told and is another. */
  readonly monitor: string | undefined;
  readonly type: '1' | '2' | '1 or 2' | undefined;
  readonly typeWhy: string | undefined;
  /** How the processor is virtualized. */
  readonly processor: 'none' | 'full' | 'para';
  /** Buses of para-virtual devices, with the number of devices; without any, all are emulated or real. */
  readonly paraDevices: readonly { readonly bus: string; readonly count: number }[];
  /** The kernel's clock, and whether it is one that a hypervisor keeps. */
  readonly clock: { readonly name: string; readonly para: boolean } | undefined;
  /** `docker`, `an unnamed container`; undefined in none. */
  readonly container: string | undefined;
  /** What each part of the verdict rests on. */
  readonly evidence: readonly string[];
}

export function judgePlatform(facts: PlatformFacts): Platform {
  const file = (name: PlatformFile): string => facts.files[platformFiles[name]]?.trim() ?? '';
  const maker = [file('vendor'), file('product')].join(' ').trim();
  const evidence: string[] = [];
  const found = hypervisorOf(facts, maker, file, evidence);
  const monitor =
    found === undefined ? undefined : monitorOf([maker, file('bios'), facts.acpi ?? ''].join(' '), evidence);
  const isPv = file('xenGuest') === 'PV';
  return {
    hypervisor: found?.name,
    monitor: monitor === found?.name || found?.name.startsWith(`${monitor} `) === true ? undefined : monitor,
    type: found?.type,
    typeWhy: found?.why,
    processor: found === undefined ? 'none' : isPv ? 'para' : 'full',
    paraDevices: Object.entries(facts.buses).flatMap(([bus, count]) => (count === 0 ? [] : [{ bus, count }])),
    clock: file('clock') === '' ? undefined : { name: file('clock'), para: /^(kvm|hyperv|xen)/.test(file('clock')) },
    container: containerOf(facts, file, evidence),
    evidence,
  };
}

type Read = (name: PlatformFile) => string;
type Found = Pick<Hypervisor, 'name'> & { readonly type?: Platform['type']; readonly why?: string };

function hypervisorOf({ cpuid }: PlatformFacts, maker: string, file: Read, evidence: string[]): Found | undefined {
  if (file('xenRights').includes('control_d')) {
    evidence.push('/proc/xen/capabilities says control_d: domain 0, on the hardware');
    return hypervisors.find(({ name }) => name === 'Xen');
  }
  const said = signatures(cpuid);
  for (const { leaf, text } of said) evidence.push(`CPUID ${leafName(leaf)} says ${text}`);
  const byDmi = hypervisors.find(({ dmi }) => dmi?.test(maker) === true);
  const signed = hypervisors.find((one) => said.some(({ text }) => one.signatures.includes(text.trim())));
  const isXen = file('xen') === 'xen';
  if (byDmi !== undefined || monitorNames(maker) !== undefined) evidence.push(`DMI says ${maker}`);
  if (isXen) evidence.push(`/sys/hypervisor/type says xen, a guest of type ${file('xenGuest') || 'unknown'}`);
  // A Hyper-V that may create partitions is not above this system: it is the hypervisor of this host.
  if (signed?.name === 'Hyper-V' && ((cpuid[leafName(0x40000003)]?.[1] ?? 0) & 1) === 1) {
    evidence.push('CPUID 0x40000003 lets it create partitions: the root partition, on the hardware');
  }
  if (byDmi !== undefined && (signed === undefined || byDmi.name === 'VirtualBox')) return byDmi;
  if (signed !== undefined) return signed;
  if (isXen) return hypervisors.find(({ name }) => name === 'Xen');
  if (hasHypervisorBit(cpuid) === true) evidence.push('CPUID 1 has the bit of hypervisors');
  else if (monitorNames(maker) === undefined) {
    if (hasHypervisorBit(cpuid) === false) evidence.push(noBit);
    return undefined;
  }
  return { name: 'an unknown hypervisor' };
}

const noBit = 'CPUID 1 lacks the bit of hypervisors';
const monitorNames = (text: string): string | undefined => monitors.find(([, seen]) => seen.test(text))?.[0];

function monitorOf(text: string, evidence: string[]): string | undefined {
  const name = monitorNames(text);
  if (name !== undefined && !evidence.some((line) => line.startsWith('DMI'))) {
    evidence.push(`DMI or ACPI says ${text.trim()}`);
  }
  return name;
}

/** systemd's documentation, "Container Interface", and what Docker and Podman leave in a root. */
function containerOf({ files, ownNamespaces }: PlatformFacts, file: Read, evidence: string[]): string | undefined {
  if (/microsoft/i.test(file('release'))) return 'wsl';
  const [mark, name] = markOf(files, file);
  const own =
    ownNamespaces.length === 0 ? 'no namespaces of its own' : `namespaces of its own: ${ownNamespaces.join(', ')}`;
  if (name !== undefined) evidence.push(`${mark} is a mark of ${name}; this process has ${own}`);
  if (ownNamespaces.length === 0) return undefined;
  if (name === undefined) evidence.push(`this process has ${own}`);
  return name ?? 'an unnamed container';
}

function markOf(files: PlatformFacts['files'], file: Read): [mark: string, name: string | undefined] {
  const named = /(?:^|\0)container=([^\0]+)/.exec(file('initEnvironment'))?.[1];
  if (named !== undefined) return ['container= in the environment of pid 1', named];
  for (const mark of ['manager', 'systemd'] as const) if (file(mark) !== '') return [platformFiles[mark], file(mark)];
  for (const mark of ['podman', 'docker'] as const) {
    if (files[platformFiles[mark]] !== undefined) return [platformFiles[mark], mark];
  }
  return ['', undefined];
}

/** A platform in a line, such as `KVM by QEMU: type 1, full virtualization with virtio devices`. */
export function summarizePlatform(platform: Platform): string {
  const { hypervisor, monitor, type, container, evidence } = platform;
  const inside = container === undefined ? '' : `in a container (${container}) `;
  if (hypervisor === undefined) {
    const where = evidence.includes(noBit) ? 'bare metal' : 'no sign of a hypervisor';
    return inside === '' ? where : `${inside}and ${where}`;
  }
  const name = monitor === undefined ? hypervisor : `${hypervisor} by ${monitor}`;
  const kind = type === undefined ? '' : `type ${type}, `;
  return `${inside}${inside === '' ? '' : 'in '}${name}: ${kind}${kindOf(platform)}`;
}

function kindOf({ processor, paraDevices }: Platform): string {
  const buses = paraDevices.map(({ bus }) => bus).join(', ');
  if (processor === 'para') return 'para-virtualization';
  return buses === '' ? 'full virtualization' : `full virtualization with ${buses} devices`;
}

/** What there is to say about a platform, a label and a text a line. */
export function describePlatform(platform: Platform): (readonly [label: string, text: string])[] {
  const { hypervisor, type, typeWhy, processor, paraDevices, clock, container, evidence } = platform;
  const processors = {
    none: 'the real one',
    full: 'full: the kernel runs on it unchanged, and need not know',
    para: 'para: the kernel calls the hypervisor for what only it may do',
  };
  const devices = paraDevices.map(({ bus, count }) => `${count} on ${bus}`).join(', ');
  return [
    ['platform', summarizePlatform(platform)],
    ...(type === undefined ? [] : [['type', `${type}: ${typeWhy}`] as const]),
    ['processor', processors[processor]],
    ...(hypervisor === undefined
      ? []
      : [['devices', devices === '' ? 'none para-virtual' : `para-virtual: ${devices}`] as const]),
    ...(clock === undefined
      ? []
      : [['clock', `${clock.name}${clock.para ? ', kept by the hypervisor' : ''}`] as const]),
    ...(container === undefined ? [] : [['container', container] as const]),
    ...evidence.map((line) => ['because', line] as const),
  ];
}
