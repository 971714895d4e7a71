/**
 * Table I and two of its neighbours. The paper itself could not be opened: the numbers are means of the authors' own raw
 * logs where those have them, and quotations otherwise; where both exist they agree.
 */
import type { Anchor, Publication } from '../types/publication.ts';

const raw = (path: string): string => `${path} in thewmf/kvm-docker-comparison`;

const machine = 'Different machine: two sockets of Xeon, 32 threads, against a single one here.';

/** A rate beside the native one, or a time beside the native one: as our own measure counts. */
const toNative = { unit: 'times', to: 'process' } as const;

const triad = {
  ...toNative,
  question: 'bandwidth',
  measure: 'triad',
  definition:
    'The rate of STREAM’s triad over arrays of 37 GiB, 32 threads on two sockets with interleaved memory; the best of ten passes, to the same natively.',
  differs: `Different definition: one thread and arrays of some MiB. ${machine}`,
} as const satisfies Partial<Anchor>;

const random = {
  ...toNative,
  question: 'bandwidth',
  measure: 'random',
  statistic: 'mean of 10',
  definition:
    'The time of an update at a random place of a table of 64 GiB (RandomAccess, here as its inverse), to the same natively.',
  differs: `Different definition: reads, of a table that is far smaller. ${machine}`,
} as const satisfies Partial<Anchor>;

const latency = {
  ...toNative,
  question: 'network',
  measure: 'p50',
  statistic: 'as quoted',
  definition: 'The time of netperf’s TCP_RR, 100 bytes there and 200 back between two machines, to the same natively.',
  differs: `Different definition: ours stays on one machine, and without a bridge or NAT. ${machine}`,
  place: 'Section III.E and its figure 3, as two public notes on the paper tell it',
} as const satisfies Partial<Anchor>;

const stream = {
  unit: 'MB/s',
  question: 'network',
  measure: 'out',
  value: 9300 / 8,
  statistic: 'as quoted: 9.3 Gbit/s',
  definition: 'One TCP stream of nuttcp over a cable of 10 Gbit/s, of which this is all that packets leave.',
  differs: `Different definition: their cable was the limit, and ours has none. ${machine}`,
  place: 'Section III.D, as two public notes on the paper tell it',
} as const satisfies Partial<Anchor>;

const anchors: readonly Anchor[] = [
  {
    ...toNative,
    subject: 'KVM, untuned: PXZ',
    family: 'vm',
    question: 'cpu',
    measure: 'compress',
    value: 0.78,
    statistic: 'as quoted',
    definition: 'The rate of a parallel xz over 1 GB of Wikipedia, on 32 threads, to the same natively.',
    differs: `Different definition: gzip, in one process, over 4 MiB that are made from a seed. ${machine}`,
    place: 'Table I, as a public survey quotes it (−22 %)',
  },
  {
    ...triad,
    subject: 'Docker: STREAM triad',
    family: 'daemon',
    value: 45.54 / 45.58,
    statistic: 'means of 8 and 9 logged runs',
    place: raw('Stream/results/*.two-socket.interleavedalloc.log'),
  },
  {
    ...triad,
    subject: 'KVM: STREAM triad',
    family: 'vm',
    value: 45.02 / 45.58,
    statistic: 'means of 7 and 8 logged runs',
    place: raw('Stream/results/*.two-socket.interleavedalloc.log'),
  },
  {
    ...random,
    subject: 'Docker: RandomAccess',
    family: 'daemon',
    value: 0.012613 / 0.012396,
    place: raw('RandomAccess/results/*.single-socket.localalloc.log'),
  },
  {
    ...random,
    subject: 'KVM: RandomAccess',
    family: 'vm',
    value: 0.012613 / 0.012476,
    place: raw('RandomAccess/results/*.single-socket.localalloc.log'),
  },
  { ...stream, subject: 'natively: one stream', family: 'process' },
  { ...stream, subject: 'Docker, through its NAT: one stream', family: 'daemon' },
  { ...stream, subject: 'KVM, vhost: one stream', family: 'vm' },
  { ...latency, subject: 'Docker, through its NAT: request and response', family: 'daemon', value: 2 },
  { ...latency, subject: 'KVM, vhost: request and response', family: 'vm', value: 1.8 },
  {
    ...toNative,
    subject: 'KVM: 4 KiB random reads',
    family: 'vm',
    question: 'disk',
    measure: 'randread-32',
    value: 0.5,
    statistic: 'as quoted: half',
    definition:
      'How many random reads of 4 KiB per second, of a remote SSD through Fibre Channel, to the same natively.',
    differs: `Different definition: another disk, and another QEMU ten years later. ${machine}`,
    place: 'Section III.F, as a public survey quotes it',
  },
  {
    ...toNative,
    subject: 'KVM: Redis, more than 100 connections',
    family: 'vm',
    question: 'app',
    measure: 'requests',
    value: 1,
    statistic: 'as quoted: almost the same',
    definition:
      'Requests per second of Redis, half reads and half writes, ten at a time on each connection, to the same natively; with fewer connections it is less, for each request takes 83 µs more.',
    differs: `Different definition: 50 connections, and who asks is on the same machine. ${machine}`,
    place: 'Section III.G and its figures 8 and 9, as a public note on the paper tells it',
  },
];

export const felter2015: Publication = {
  name: 'felter2015',
  title: 'An Updated Performance Comparison of Virtual Machines and Linux Containers',
  by: 'Felter et al., ISPASS 2015 (IBM RC25482, 2014); raw data in thewmf/kvm-docker-comparison',
  url: 'https://doi.org/10.1109/ISPASS.2015.7095802',
  machine: 'two sockets of 8 cores, 32 threads, as their logs show; 2014, KVM and Docker of that year',
  checked:
    'STREAM and RandomAccess: averaged from the authors’ raw logs. PXZ, disk and network latency: from public notes that quote the paper; it could not be opened itself. Linpack, which tare does not run: 290.8 GFLOPS natively and 290.9 in Docker (raw logs), 241.3 in untuned KVM and 284.2 in tuned KVM (as quoted).',
  anchors,
};
