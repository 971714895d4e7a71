/** What this machine is, as far as it changes what isolation costs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, machine, release, version } from 'node:os';
import { join } from 'node:path';
import { readMountinfo } from '../linux/proc.ts';
import type { Fingerprint } from './types/fingerprint.ts';

/** By what they are called where they are explained; they are looked up under /sys and /proc/sys. */
const switches = [
  '/sys/kernel/rcu_expedited',
  '/sys/kernel/rcu_normal',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/devices/system/cpu/smt/control',
  '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
  '/proc/sys/kernel/apparmor_restrict_unprivileged_unconfined',
  '/proc/sys/kernel/unprivileged_userns_clone',
  '/proc/sys/kernel/sched_autogroup_enabled',
  '/proc/sys/net/core/bpf_jit_enable',
  '/proc/sys/vm/overcommit_memory',
];

/** Certificates are read at each start of Node, which takes it as long again as all the rest. */
const slowing = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'LD_PRELOAD'];

export function takeFingerprint(): Fingerprint {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  const governor = read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  const virtualised = findHypervisor();
  return {
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(read('/etc/os-release') ?? '')?.[1] ?? 'unknown',
    kernel: { release: release(), version: version(), machine: machine(), mitigations: readMitigations() },
    cpu: {
      model: cpus()[0]?.model ?? 'unknown',
      count: availableParallelism(),
      ...(governor === undefined ? {} : { governor }),
    },
    memory: { total: memory('MemTotal'), available: memory('MemAvailable'), swap: memory('SwapTotal') },
    ...(virtualised === undefined ? {} : { virtualised }),
    cgroups: findCgroups(),
    switches: Object.fromEntries(
      switches.flatMap((path) => {
        const value = read(path);
        return value === undefined ? [] : [[path, value]];
      }),
    ),
    load: [one, five, fifteen],
    node: process.version,
    environment: Object.fromEntries(
      slowing.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

/** A field of /proc/meminfo, in MiB: proc_meminfo(5). */
export function memory(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(read('/proc/meminfo') ?? '');
  return Number(found?.[1] ?? 0) / 1024;
}

function readMitigations(): Record<string, string> {
  const directory = '/sys/devices/system/cpu/vulnerabilities';
  if (!existsSync(directory)) return {};
  return Object.fromEntries(readdirSync(directory).map((name) => [name, read(join(directory, name)) ?? 'unreadable']));
}

/** The CPU says that there is one (CPUID leaf 1, ECX bit 31); who it is, the firmware's tables mostly say. */
function findHypervisor(): string | undefined {
  const container = existsSync('/.dockerenv') ? 'a container' : undefined;
  if (!/^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo') ?? '')) return container;
  const names = ['sys_vendor', 'product_name'].flatMap((name) => read(`/sys/class/dmi/id/${name}`) ?? []);
  const found = read('/sys/hypervisor/type') ?? (names.length === 0 ? 'an unnamed hypervisor' : names.join(' '));
  return container === undefined ? found : `${container} on ${found}`;
}

function findCgroups(): Fingerprint['cgroups'] {
  const types = new Set(readMountinfo().map(({ type }) => type));
  if (types.has('cgroup')) return types.has('cgroup2') ? 'hybrid' : 'v1';
  return types.has('cgroup2') ? 'v2' : 'none';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined; // the machine does not have it, or does not show it
  }
}
