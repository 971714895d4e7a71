import type { Isolation, IsolationKind } from './isolation.ts';

/** Each is loaded when it is asked for: a container's start pays for no virtual machine. */
export const isolations: Readonly<Record<IsolationKind, () => Promise<Isolation>>> = {
  process: async () => (await import('./process.ts')).processIsolation,
  container: async () => (await import('./container.ts')).containerIsolation,
  vm: async () => (await import('./vm.ts')).vmIsolation,
};
