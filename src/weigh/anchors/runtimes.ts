/** What container runtimes say of themselves, and of each other. */
import type { Anchor, Publication } from '../types/publication.ts';

const hundred = {
  family: 'container',
  question: 'start',
  measure: 'gone',
  unit: 'ms',
  statistic: 'mean of 100, by division',
  definition: 'The time of 100 containers one after another, each running /bin/true, by their number.',
  differs: 'Different machine, which is not named. The same definition but for the payload, which writes nothing.',
  place: 'README.md, “Performance”, commit 0138c64',
} as const;

export const crunReadme: Publication = {
  name: 'crun',
  title: 'crun’s README',
  by: 'containers/crun, read at commit 0138c64',
  url: 'https://github.com/containers/crun/blob/0138c64fa39e58c8d676ac565fbaeb351e8b19dd/README.md',
  machine: 'not stated (“my machine”)',
  checked: 'Read in the file itself: 1.69 s and 3.34 s.',
  anchors: [
    { ...hundred, subject: 'crun', value: 16.9 },
    { ...hundred, subject: 'runc', value: 33.4 },
  ],
};

const threeCommands = {
  family: 'container',
  question: 'start',
  measure: 'gone',
  unit: 'ms',
  statistic: 'mean of at least 100',
  definition:
    'create, start and delete --force as three commands, each through sudo, with the page cache dropped before: hyperfine.',
  differs:
    'Different definition: sudo three times, a cold page cache, and nothing waits until the payload has ended. Different machine.',
  place: 'README.md, “Motivation”, commit 013d527',
} as const satisfies Partial<Anchor>;

export const youkiReadme: Publication = {
  name: 'youki',
  title: 'youki’s README',
  by: 'youki-dev/youki, read at commit 013d527',
  url: 'https://github.com/youki-dev/youki/blob/013d527ef774d01decb24f30a5724170f1b064e7/README.md',
  machine: '16 cores, 62 GiB, Linux 6.5 (Ubuntu 22.04), cgroups v2',
  checked: 'Read in the file itself, with the command and the machine that stand beside the table.',
  anchors: [
    { ...threeCommands, subject: 'youki 0.3.3', value: 111.5 },
    { ...threeCommands, subject: 'runc 1.1.7', value: 224.6 },
    { ...threeCommands, subject: 'crun 1.15', value: 47.3 },
  ],
};
