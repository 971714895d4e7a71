import type { Verb } from './session.ts';

/** Each verb is a file of its own that nothing else loads: the start of `tare run` pays for `run` alone. */
export const verbs: ReadonlyMap<string, () => Promise<Verb>> = new Map([
  ['run', (): Promise<Verb> => import('./run.ts')],
  ['explain', () => import('./explain.ts')],
  ['trace', () => import('./trace.ts')],
  ['step', () => import('./step.ts')],
  ['vm', () => import('./vm.ts')],
  ['oci', () => import('./oci.ts')],
  ['sweep', () => import('./sweep.ts')],
  ['weigh', () => import('./weigh.ts')],
  ['lab', () => import('./lab.ts')],
  ['doctor', () => import('./doctor.ts')],
  ['help', () => import('./help.ts')],
  ['version', () => import('./version.ts')],
]);
