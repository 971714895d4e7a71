import type { Publication } from '../types/publication.ts';

export const sosp17: Publication = {
  name: 'sosp17',
  title: 'My VM is Lighter (and Safer) than your Container (LightVM)',
  by: 'Manco et al., SOSP 2017',
  url: 'https://doi.org/10.1145/3132747.3132763',
  machine: 'not stated in the abstract',
  checked: 'The abstract only; the figures behind it were not looked up.',
  anchors: [
    {
      subject: 'LightVM, a unikernel on Xen',
      family: 'vm',
      question: 'start',
      measure: 'firstByte',
      value: 2.3,
      unit: 'ms',
      statistic: 'as quoted',
      definition:
        'Until a virtual machine has booted that holds no Linux, but a single program with the parts of a kernel it needs.',
      differs:
        'Different definition: no Linux boots, and Xen’s control plane was rewritten for the purpose. Different machine.',
      place: 'Abstract',
    },
    {
      subject: 'fork and exec on Linux',
      family: 'process',
      question: 'start',
      measure: 'gone',
      value: 1,
      unit: 'ms',
      statistic: 'as quoted',
      definition: 'A process, forked and executed.',
      differs: 'Different machine; from what to what is not in the abstract.',
      place: 'Abstract',
    },
  ],
};
