import type { Verb } from './session.ts';

export interface VerbEntry {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  /** Each verb is a file of its own that nothing else loads: the start of `tare run` pays for `run` alone. */
  readonly load: () => Promise<Verb>;
}

export const verbs: readonly VerbEntry[] = [
  {
    name: 'run',
    group: 'Containers',
    summary: 'Run a command in a new container.',
    load: () => import('./run.ts'),
  },
  {
    name: 'explain',
    group: 'How a container is made',
    summary: 'Print every system call that would make it, and why.',
    load: () => import('./explain.ts'),
  },
  {
    name: 'trace',
    group: 'How a container is made',
    summary: 'Make it, and show how long each call took.',
    load: () => import('./trace.ts'),
  },
  {
    name: 'step',
    group: 'How a container is made',
    summary: 'Make it one call at a time, with a look around between.',
    load: () => import('./step.ts'),
  },
  {
    name: 'doctor',
    group: 'This machine',
    summary: 'Say what of tare works here, and the cure for what does not.',
    load: () => import('./doctor.ts'),
  },
  { name: 'help', group: 'This machine', summary: 'Print the help of a verb.', load: () => import('./help.ts') },
  { name: 'version', group: 'This machine', summary: 'Print the version.', load: () => import('./version.ts') },
];
