/** Papers whose workloads can be run: what of ours comes nearest, and who stands for whom. */
import { felter2015 } from './anchors/felter2015.ts';
import { hotcloud19 } from './anchors/hotcloud19.ts';
import { nsdi20 } from './anchors/nsdi20.ts';
import type { Publication } from './types/publication.ts';
import type { QuestionName } from './types/question.ts';

export interface Suite {
  /** As in `--suite`: the name of its publication. */
  readonly name: string;
  readonly publication: Publication;
  readonly questions: readonly QuestionName[];
  /** Names and groups, as `--backends` takes them; that says otherwise where it is given. */
  readonly backends: readonly string[];
  /** What was made smaller, and what was left out. */
  readonly scaled: string;
}

const suite = (publication: Publication, rest: Omit<Suite, 'name' | 'publication'>): Suite => ({
  name: publication.name,
  publication,
  ...rest,
});

export const suites: readonly Suite[] = [
  suite(felter2015, {
    questions: ['cpu', 'bandwidth', 'disk', 'network', 'app'],
    backends: ['process', 'docker', 'tare', 'q35'],
    scaled:
      'Theirs filled two sockets and up to 64 GiB for minutes; ours takes one or two threads, some MiB and seconds. Left out: Linpack (Intel’s binary), MySQL, and a second machine at the other end of a 10 Gb/s cable.',
  }),
  suite(nsdi20, {
    questions: ['start', 'rate', 'memory'],
    backends: ['process', 'tare', 'vm'],
    scaled:
      'Theirs booted 500 times one after another, and 10, 50 and 100 at once, on 48 cores; ours takes as many as its budget allows. Left out: Firecracker and Cloud Hypervisor themselves, which Debian does not have, and their disks and networks.',
  }),
  suite(hotcloud19, {
    questions: ['start', 'memory', 'syscalls', 'network'],
    backends: ['process', 'runc', 'docker', 'tare', 'microvm'],
    scaled:
      'Ours takes as many idle containers as fit into half a GiB, and a static program that writes one byte. Left out: gVisor itself, which Debian does not have, and the import of Python’s modules.',
  }),
];
