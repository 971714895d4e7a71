import type { NamespaceKind } from './request.ts';

/** kernel.* that ipc_namespaces(7) lists; all of fs.mqueue belongs to it too. */
const ipcSysctls = new Set([
  'kernel.auto_msgmni',
  'kernel.msg_next_id',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.sem_next_id',
  'kernel.shm_next_id',
  'kernel.shm_rmid_forced',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
]);

/**
 * The parts of a sysctl's name: `net.ipv4.ip_forward` and `net/ipv4/ip_forward` are the same. Whichever separator
 * comes first separates, so that the other may be part of an interface's name (sysctl.d(5)).
 */
function partsOf(name: string): string[] {
  const separator = /[./]/.exec(name)?.[0] ?? '.';
  const other = separator === '.' ? '/' : '.';
  return name.split(separator).map((part) => (separator === '.' ? part.replaceAll(other, '.') : part));
}

/** Where below /proc/sys a sysctl lies; undefined for a name that would lead elsewhere. */
export function sysctlPath(name: string): string | undefined {
  const parts = partsOf(name);
  return parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('/'))
    ? undefined
    : parts.join('/');
}

/** The kind of namespace a sysctl belongs to; undefined where it is the whole machine's, or no sysctl at all. */
export function sysctlNamespace(name: string): NamespaceKind | undefined {
  const path = sysctlPath(name);
  if (path === undefined) return undefined;
  const dotted = path.replaceAll('/', '.');
  if (dotted.startsWith('net.')) return 'network';
  if (dotted.startsWith('fs.mqueue.') || ipcSysctls.has(dotted)) return 'ipc';
  if (dotted === 'kernel.hostname' || dotted === 'kernel.domainname') return 'uts';
  return dotted.startsWith('user.') ? 'user' : undefined;
}
