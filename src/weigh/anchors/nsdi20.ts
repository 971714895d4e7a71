/** The Firecracker paper's own raw data, which says more than its abstract's 125 ms. */
import type { Anchor, Publication } from '../types/publication.ts';

const start = {
  question: 'start',
  family: 'vm',
  unit: 'ms',
} as const;

/** Forked until the process of the virtual machine monitor has ended, by the shell's clock. */
const endToEnd = {
  ...start,
  measure: 'gone',
  statistic: 'median of 500',
  definition:
    'From before the monitor is forked until its process has ended, which the guest’s init causes by writing to an I/O port: the first thing it does.',
  differs:
    'Different definition: the guest boots a minimal kernel and runs no program. Different machine, and KVM on bare metal.',
} as const;

/** `pmap`’s writable data without the guest's own memory, of a guest of 256 MiB. */
const overhead = {
  question: 'memory',
  family: 'vm',
  measure: 'helpers',
  unit: 'MiB',
  statistic: 'one reading at 256 MiB',
  definition: 'Writable memory of the monitor’s process (PMAP_DATA) less the guest’s own (VMSZ).',
  differs:
    'Different definition: what is mapped, used or not, of the monitor alone; ours is what is resident. Different machine.',
} as const;

const curve = (name: string): string => `data/m5d.metal/boot-serial-${name}-cdf.dat, commit 47fd4af`;
const sizes = (name: string): string => `data/m5d.metal/mem-${name}.dat, commit 47fd4af`;
const mib = (kib: number): number => kib / 1024;

const anchors: readonly Anchor[] = [
  { ...endToEnd, subject: 'Firecracker, end to end', value: 160.85, place: curve('fc-api') },
  {
    ...start,
    subject: 'Firecracker, by its own timer',
    measure: 'firstByte',
    value: 110,
    statistic: 'median of 500',
    definition: 'The “ms” that Firecracker itself logs of a boot: an internal timer.',
    differs: 'Different definition: some 50 ms of what a caller waits are not in it. Different machine.',
    place: `${curve('fc-api')}, second block`,
  },
  { ...endToEnd, subject: 'Cloud Hypervisor', value: 102.46, place: curve('chv') },
  { ...endToEnd, subject: 'QEMU', value: 243.52, place: curve('qemu') },
  { ...endToEnd, subject: 'QEMU with qboot', value: 213.94, place: curve('qboot') },
  { ...overhead, subject: 'Firecracker', value: mib(264_696 - 262_144), place: sizes('fc') },
  { ...overhead, subject: 'Cloud Hypervisor', value: mib(275_808 - 262_144), place: sizes('chv') },
  { ...overhead, subject: 'QEMU', value: mib(396_592 - 262_144), place: sizes('qemu') },
];

export const nsdi20: Publication = {
  name: 'nsdi20',
  title: 'Firecracker: Lightweight Virtualization for Serverless Applications',
  by: 'Agache et al., NSDI 2020; raw data in firecracker-microvm/nsdi2020-data',
  url: 'https://github.com/firecracker-microvm/nsdi2020-data',
  machine:
    'EC2 m5d.metal: two Xeon Platinum 8175M, 48 cores, hyperthreading off, 384 GB; host Linux 4.15 (Ubuntu 18.04), guest Linux 4.14, one vCPU, 256 MiB',
  checked:
    'Medians and differences computed from the files named here; what they time, from scripts/start-fc.sh beside them.',
  anchors,
};
