import { readdirSync } from 'node:fs';
import { capabilityNames } from '../../spec/capability-names.ts';
import { specVersion } from '../../spec/defaults.ts';
import { mountOptionNames } from '../../spec/mount-options.ts';
import type { Hooks, Namespace, SeccompAction, SeccompFlag, SeccompOperator } from '../../spec/spec.ts';

/** As records, so that none of a type's words can be forgotten. */
const hooks: Record<keyof Hooks, true> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
};
const namespaces: Record<Namespace['type'], true> = {
  cgroup: true,
  ipc: true,
  mount: true,
  network: true,
  pid: true,
  time: true,
  user: true,
  uts: true,
};
const actions: Record<SeccompAction, true> = {
  SCMP_ACT_ALLOW: true,
  SCMP_ACT_ERRNO: true,
  SCMP_ACT_KILL: true,
  SCMP_ACT_KILL_PROCESS: true,
  SCMP_ACT_KILL_THREAD: true,
  SCMP_ACT_LOG: true,
  SCMP_ACT_NOTIFY: true,
  SCMP_ACT_TRACE: true,
  SCMP_ACT_TRAP: true,
};
const operators: Record<SeccompOperator, true> = {
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_MASKED_EQ: true,
  SCMP_CMP_NE: true,
};
const flags: Record<SeccompFlag, true> = {
  SECCOMP_FILTER_FLAG_LOG: true,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: true,
  SECCOMP_FILTER_FLAG_TSYNC: true,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: true,
};

/** features.md and features-linux.md of the runtime-spec: what this runtime knows, whatever this host has. */
export async function main(): Promise<number> {
  const features = {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: Object.keys(hooks),
    mountOptions: [...mountOptionNames].sort(),
    linux: {
      namespaces: Object.keys(namespaces),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: Object.keys(actions),
        operators: Object.keys(operators),
        archs: [process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
        knownFlags: Object.keys(flags),
        supportedFlags: Object.keys(flags),
      },
      apparmor: { enabled: hasModule('apparmor') },
      selinux: { enabled: hasModule('selinux') },
      intelRdt: { enabled: false },
      memoryPolicy: {},
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {},
  };
  process.stdout.write(`${JSON.stringify(features, undefined, 2)}\n`);
  return 0;
}

/** features-linux.md: whether the runtime supports it, which it does wherever there is one. */
function hasModule(name: string): boolean {
  try {
    return readdirSync('/sys/kernel/security').includes(name) || readdirSync('/sys/fs').includes(name);
  } catch {
    return false;
  }
}
