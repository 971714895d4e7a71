import type { Publication } from '../types/publication.ts';

export const hotcloud19: Publication = {
  name: 'hotcloud19',
  title: 'The True Cost of Containing: A gVisor Case Study',
  by: 'Young et al., HotCloud 2019',
  url: 'https://www.usenix.org/conference/hotcloud19/presentation/young',
  machine: 'not looked up',
  checked:
    'Two independent quotations of the paper’s text; its figures were not looked up. gVisor of 2019, whose platform and file access have changed since.',
  anchors: [
    {
      subject: 'gVisor, simple system calls',
      family: 'container',
      question: 'syscalls',
      measure: 'null',
      value: 2.2,
      unit: 'times',
      statistic: 'at least',
      definition: 'The time of a simple system call, to that in a traditional container.',
      differs: 'Different backend: no gVisor is among ours. A ratio, of another machine.',
      place: 'the text, as quoted',
    },
    {
      subject: 'gVisor, open and close on an external tmpfs',
      family: 'container',
      question: 'syscalls',
      measure: 'open',
      value: 216,
      unit: 'times',
      statistic: 'as quoted',
      definition: 'The time to open and close a file outside of the sandbox, to that in a traditional container.',
      differs: 'Different backend: no gVisor is among ours. A ratio, of another machine.',
      place: 'the text, as quoted',
    },
  ],
};
