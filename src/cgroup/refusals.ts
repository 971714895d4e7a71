/**
 * Why a limit cannot be had: no cgroup has such a thing, or this host gives the controller to somebody else.
 *
 * Limits are never dropped in silence, and every refusal is reported at once.
 */
import { TareError } from '../errors.ts';
import type { Resources } from '../spec/resources.ts';
import { type CgroupHost, v1Name } from './hierarchy.ts';
import { type Limit, set } from './limits.ts';

/** Files that are the runtime's own to write: who is in the group, and whether they run. */
const lifecycle = new Set(['procs', 'threads', 'type', 'subtree_control', 'freeze', 'kill'].map((f) => `cgroup.${f}`));

/** What is wrong with an entry of `unified`, or undefined. The kernel judges the value. */
function unifiedFault(file: string): string | undefined {
  if (!/^[a-z]+\.[A-Za-z0-9_.]+$/.test(file))
    return `unified ${JSON.stringify(file)} is not a file such as memory.high`;
  if (lifecycle.has(file)) return `unified ${file} is tare's own to write`;
  return undefined;
}

/** What only cgroup v1 can do, and does not hold here, or what contradicts itself: each fault by its name in the spec. */
function faults(
  { memory = {}, cpu = {}, blockIO = {}, network = {}, unified = {} }: Resources,
  v1: readonly string[],
): string[] {
  const found: string[] = [];
  const v1Only = (controller: string, name: string, asked: boolean): void => {
    if (asked && !v1.includes(controller)) found.push(`${name} exists in cgroup v1 only`);
  };
  const gone = (name: string, last: string, asked: boolean): void => {
    if (asked) found.push(`${name} exists in cgroup v1 only, and ended with Linux ${last}`);
  };
  gone('memory.kernel', '5.15', (memory.kernel ?? 0) > 0);
  v1Only('memory', 'memory.kernelTCP', (memory.kernelTCP ?? 0) > 0);
  v1Only('memory', 'memory.swappiness', memory.swappiness !== undefined);
  v1Only('memory', 'memory.disableOOMKiller', memory.disableOOMKiller === true);
  gone('memory.useHierarchy=false', '5.10', memory.useHierarchy === false);
  v1Only('cpu', 'cpu.realtimeRuntime', set(cpu.realtimeRuntime));
  v1Only('cpu', 'cpu.realtimePeriod', set(cpu.realtimePeriod));
  gone('blockIO.leafWeight', '4.20', set(blockIO.leafWeight));
  gone(
    'blockIO.weightDevice.leafWeight',
    '4.20',
    (blockIO.weightDevice ?? []).some(({ leafWeight }) => set(leafWeight)),
  );
  v1Only('net_cls', 'network.classID', set(network.classID));
  v1Only('net_prio', 'network.priorities', (network.priorities ?? []).length > 0);
  const { limit, swap } = memory;
  if (set(swap) && swap > 0 && !set(limit)) found.push('memory.swap counts memory too, so it needs memory.limit');
  if (set(swap) && set(limit) && swap > 0 && swap < limit) {
    found.push(`memory.swap (${swap} bytes) is memory plus swap, less than memory.limit (${limit} bytes)`);
  }
  if (set(cpu.quota) && cpu.quota > 0 && (cpu.burst ?? 0) > cpu.quota) {
    found.push(`cpu.burst (${cpu.burst} µs) is more than cpu.quota (${cpu.quota} µs)`);
  }
  return [...found, ...Object.keys(unified).flatMap((file) => unifiedFault(file) ?? [])];
}

/** Throws one `TareError` that names everything in `resources` that no cgroup has a file for. `v1` is what v1 grants us. */
export function refuseUnsupported(resources: Resources, v1: readonly string[] = []): void {
  const found = faults(resources, v1);
  if (found.length === 0) return;
  throw new TareError(`cannot limit resources: ${found.join('; ')}`, {
    hint: 'linux.resources.unified takes cgroup v2 files by their own names, such as memory.high',
  });
}

/** Why groups of ours cannot have the controller, and the cure. */
export function obstacle(host: CgroupHost, controller: string): { fault: string; cure: string } {
  const { mount, v1, controllers, delegated, inhabited } = host;
  const at = v1[v1Name(controller)];
  if (at !== undefined) {
    return {
      fault: `the ${controller} controller is mounted as cgroup v1 at ${at}`,
      cure: 'boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all where there is no systemd',
    };
  }
  if (mount === undefined) {
    return { fault: 'cgroup v2 is not mounted', cure: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' };
  }
  if (!controllers.includes(controller)) {
    return {
      fault: `this kernel's cgroup v2 at ${mount} has no ${controller} controller`,
      cure: `see cgroup.controllers there; some kernels need cgroup_enable=${controller} at boot`,
    };
  }
  if (delegated === undefined) {
    return {
      fault: `no cgroup under ${mount} is ours to divide`,
      cure: 'run as root, or under systemd-run --user --scope -p Delegate=yes',
    };
  }
  if (inhabited) {
    return {
      fault: `processes live in ${delegated} itself, so it cannot pass the ${controller} controller on`,
      cure: `make a group such as ${delegated}/init and move them there`,
    };
  }
  return {
    fault: `${delegated} is not given the ${controller} controller`,
    cure: `delegate it: Delegate=${controller} in the unit that ${delegated} belongs to`,
  };
}

/** Throws one `TareError` that names each limit whose controller our groups cannot have, where it is, and the cure. */
export function refuseMissing(host: CgroupHost, limits: readonly Limit[]): void {
  const wanted = [...new Set(limits.flatMap(({ controller }) => controller ?? []))];
  const missing = wanted.filter((controller) => !host.grantable.includes(controller));
  if (missing.length === 0) return;
  const obstacles = missing.map((controller) => obstacle(host, controller));
  const once = (texts: string[]): string => [...new Set(texts)].join('; ');
  const limited = missing.map((controller) => {
    const files = limits.filter((limit) => limit.controller === controller).map(({ file }) => file);
    return `${controller} (${[...new Set(files)].join(', ')})`;
  });
  throw new TareError(`cannot limit ${limited.join(', ')}: ${once(obstacles.map(({ fault }) => fault))}`, {
    hint: `${once(obstacles.map(({ cure }) => cure))}; without these limits the container runs`,
  });
}
