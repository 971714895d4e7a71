/** What the calls cost that isolation could make dearer: by a filter, a namespace, a second page table. */
import { figuresOf } from '../figures-of.ts';
import { pace } from '../pace.ts';
import type { Measure } from '../types/question.ts';
import type { Workload } from '../types/workload.ts';

const measure = (name: string, title: string, definition: string): Measure => ({
  name,
  title,
  unit: 'ns',
  better: 'lower',
  definition,
});

export const syscalls: Workload = {
  question: 'syscalls',
  asks: 'what does a system call cost inside?',
  method:
    'A static program makes each call some thousands of times in a row, nine times over, and reports the least: what the call costs where nothing else happens. As lmbench does (McVoy and Staelin, USENIX 1996).',
  ownImage: true,
  measures: [
    measure('null', 'null call', 'getppid(2) by syscall(2): into the kernel and out of it, and through every filter.'),
    measure('time-vdso', 'gettimeofday, vDSO', 'Without the kernel: a page of it that is mapped into each process.'),
    measure('time-kernel', 'gettimeofday, kernel', 'The same, asked of the kernel.'),
    measure('open-close', 'open and close', 'Of the root directory.'),
    measure('fork-exec', 'fork and exec', 'fork(2), execve(2) of a static program that ends, waitpid(2).'),
    measure(
      'switch',
      'context switch',
      'Half of a byte’s way there and back through two pipes, between two processes.',
    ),
    measure(
      'page-fault',
      'page fault',
      'The first write to a page of 4 KiB of anonymous memory, its unmapping included.',
    ),
    measure('map-gigabyte', 'mmap of 1 GB', 'mmap(2) with MAP_NORESERVE, and munmap(2), untouched.'),
  ],
  trials: ({ effort }) => [
    {
      name: 'calls',
      title: 'least of nine',
      pace: {
        ...pace(effort, { quick: 60, normal: 60, full: 120 }),
        warmup: 0,
        least: 6,
        most: effort === 'full' ? 60 : 20,
      },
      job: ({ root, program = '' }) => ({ root, payload: [program, 'calls'], network: 'own' }),
      sample: figuresOf,
    },
  ],
};
