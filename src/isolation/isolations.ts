import type { Isolation, IsolationKind } from './isolation.ts';

/** Each is loaded when it is asked for: a container's start pays for no virtual machine. */
export const isolations: Readonly<Record<Exclude<IsolationKind, 'vm'>, () => Promise<Isolation>>> = {
  process: async () => (await import('./process.ts')).processIsolation,
  container: async () => (await import('./container.ts')).containerIsolation,
};
