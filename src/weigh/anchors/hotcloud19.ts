import type { Anchor, Publication } from '../types/publication.ts';

const noGvisor = 'Different backend: no gVisor is among ours. Different machine.';

const call = {
  question: 'syscalls',
  unit: 'times',
  statistic: 'as quoted',
  place: 'Figures 3 and 6, as two public notes on the paper quote them',
} as const satisfies Partial<Anchor>;

const lifecycle = {
  question: 'start',
  measure: 'gone',
  unit: 'ms',
  statistic: 'as quoted',
  definition: 'A container made and taken away again through Docker, one after another.',
  place: 'the section on life cycles, as two public notes on the paper quote it',
} as const satisfies Partial<Anchor>;

const anchors: readonly Anchor[] = [
  {
    ...lifecycle,
    subject: 'runc, by Docker',
    family: 'daemon',
    value: 1014,
    differs: 'Different definition: Docker’s own network and image are in it, and not in ours. Different machine.',
  },
  { ...lifecycle, subject: 'gVisor with KVM, by Docker', family: 'vm', value: 1117, differs: noGvisor },
  { ...lifecycle, subject: 'gVisor with ptrace, by Docker', family: 'vm', value: 1181, differs: noGvisor },
  {
    ...call,
    subject: 'runc: gettimeofday',
    family: 'container',
    measure: 'time-kernel',
    value: 0.29 / 0.22,
    to: 'process',
    definition: 'The time of a call, 0.29 µs, to that of a mere process, 0.22 µs.',
    differs: 'Different definition: whether the vDSO answered is not said. Different machine, and its filters.',
  },
  {
    ...call,
    subject: 'runc: open and close',
    family: 'container',
    measure: 'open-close',
    value: 2.4 / 2.04,
    to: 'process',
    definition: 'The time to open and close a file, 2.40 µs, to that of a mere process, 2.04 µs.',
    differs: 'Different definition: a file on tmpfs, and ours is the root directory. Different machine.',
  },
  {
    ...call,
    subject: 'gVisor: simple system calls',
    family: 'vm',
    measure: 'null',
    value: 2.2,
    to: 'container',
    statistic: 'at least',
    definition: 'The time of a simple system call, to that in a traditional container.',
    differs: noGvisor,
    place: 'the text, as quoted',
  },
  {
    ...call,
    subject: 'gVisor: open and close on an external tmpfs',
    family: 'vm',
    measure: 'open-close',
    value: 216,
    to: 'container',
    definition: 'The time to open and close a file outside of the sandbox, to that in a traditional container.',
    differs: noGvisor,
    place: 'the text, as quoted',
  },
];

export const hotcloud19: Publication = {
  name: 'hotcloud19',
  title: 'The True Cost of Containing: A gVisor Case Study',
  by: 'Young et al., HotCloud 2019',
  url: 'https://www.usenix.org/conference/hotcloud19/presentation/young',
  machine: 'not in what was quoted',
  checked:
    'Independent public quotations of the paper’s text and figures, which agree; it was not opened itself. gVisor of 2019, whose platform and file access have changed since. It stands with the virtual machines: a kernel of its own answers the calls.',
  anchors,
};
