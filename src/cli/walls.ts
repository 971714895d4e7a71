/** What the flags ask for that makes no sense behind the wall that they name. Pure. */
import { unfit } from '../isolation/unfit.ts';
import { vmFlags } from './flags/vm.ts';
import type { RunCommand } from './run-command.ts';

/** Flags that are not called as the request's field is. */
const spellings: Readonly<Record<string, string>> = {
  '/uidMappings': 'uidmap',
  '/gidMappings': 'gidmap',
  '/timeOffsets': 'time-offset',
  '/devices': 'device',
  '/capAdd': 'cap-add',
  '/capDrop': 'cap-drop',
  '/seccomp': 'security-opt seccomp',
  '/apparmor': 'security-opt apparmor',
  '/selinux': 'security-opt label',
  '/systemPaths': 'security-opt systempaths',
  '/namespaces/cgroup': 'cgroupns',
  '/namespaces/user': 'userns',
  '/limits/memorySwap': 'memory-swap',
  '/limits/memoryReservation': 'memory-reservation',
  '/limits/cpuWeight': 'cpu-weight',
  '/limits/cpusetCpus': 'cpuset-cpus',
  '/limits/cpusetMems': 'cpuset-mems',
  '/limits/pids': 'pids-limit',
  '/limits/ioWeight': 'io-weight',
  '/limits/unified': 'cgroup-conf',
};

const ofMachines = vmFlags.map(({ name }) => name).filter((name) => name !== 'isolation');

/**
 * Also moves `--network none`, which every guest has, from the namespaces to the machine.
 * @param given names of the flags on the command line
 */
export function findUnfit(command: RunCommand, given: ReadonlySet<string>): string[] {
  const { isolation, request, machine } = command;
  if (isolation === 'vm') {
    const { network, ...others } = request.namespaces ?? {};
    if (network === 'new') request.namespaces = Object.keys(others).length === 0 ? undefined : others;
  } else {
    const stray = ofMachines.filter((name) => given.has(name)).map((name) => `--${name}: only with --isolation vm`);
    if (machine.network === 'user') stray.push('--network user: only with --isolation vm');
    if (stray.length > 0 || isolation === 'container') return stray;
  }
  return unfit(isolation, request).map(({ pointer, must }) => {
    const flag = spellings[pointer] ?? pointer.slice(pointer.lastIndexOf('/') + 1);
    return `--${flag}: not with --isolation ${isolation}: ${must.replace('be left out: ', '')}`;
  });
}
