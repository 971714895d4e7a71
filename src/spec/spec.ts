/**
 * The OCI runtime-spec 1.3 as types: `config.json`, field for field, in the spec's own spelling.
 *
 * Quoted words in the docstrings are section titles of config.md ("Process") and config-linux.md ("Namespaces").
 * Paths are absolute in the container unless a docstring says host.
 */
import type { IdMap, NamespaceKind } from './request.ts';
import type { Resources } from './resources.ts';

/**
 * The largest unsigned 64-bit number, and the spec's "no limit", as `JSON.parse` reads it: 18446744073709551615
 * arrives as 2^64. Whoever hands it to the kernel clamps it to 2^64 - 1.
 */
export const UINT64_MAX = 2 ** 64;

/** "Namespaces": names as in namespaces(7), one entry for each kind at most. */
export interface Namespace {
  type: NamespaceKind;
  /** Joined instead of made new; absolute on the host. */
  path?: string;
}

/** "Root". */
export interface Root {
  /** On the host: absolute, or relative to the bundle. */
  path: string;
  readonly?: boolean;
}

/** "Mounts": made in the listed order. */
export interface Mount {
  destination: string;
  /** A filesystem of /proc/filesystems; `bind` or absent for bind mounts. */
  type?: string;
  /** On the host: a path (absolute, or relative to the bundle), a device name or a dummy. */
  source?: string;
  /** "Linux mount options" and whatever the filesystem itself takes; see `parseMountOptions`. */
  options?: string[];
  /** For an id-mapped mount (mount_setattr(2)); needs `gidMappings` too. `hostID` is what the mount shows. */
  uidMappings?: IdMap[];
  gidMappings?: IdMap[];
}

/** "User": "POSIX-platform User". Ids as the container sees them. */
export interface User {
  uid: number;
  gid: number;
  umask?: number;
  additionalGids?: number[];
}

/** "Linux Process", `capabilities`: capabilities(7) by their full names, such as `CAP_KILL`. */
export interface Capabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

/** "POSIX process", `rlimits`: getrlimit(2). Bytes, seconds or counts, as the limit has it; `UINT64_MAX` is infinity. */
export interface Rlimit {
  /** Such as `RLIMIT_NOFILE`. */
  type: string;
  soft: number;
  hard: number;
}

/** sched(7). */
export type SchedulerPolicy =
  'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_ISO' | 'SCHED_IDLE' | 'SCHED_DEADLINE';

/** sched_setattr(2). */
export type SchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX';

/** "Linux Process", `scheduler`: sched_setattr(2). Times in nanoseconds, for SCHED_DEADLINE only. */
export interface Scheduler {
  policy: SchedulerPolicy;
  /** -20 to 19, for SCHED_OTHER and SCHED_BATCH. */
  nice?: number;
  /** 1 to 99, for SCHED_FIFO and SCHED_RR. */
  priority?: number;
  flags?: SchedulerFlag[];
  runtime?: number;
  deadline?: number;
  period?: number;
}

/** "Linux Process", `ioPriority`: ioprio_set(2). */
export interface IoPriority {
  class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  /** 0 (first) to 7. */
  priority: number;
}

/** "Process". The spec requires it to start a container, and tare to create one. */
export interface Process {
  terminal?: boolean;
  /** Characters. */
  consoleSize?: { height: number; width: number };
  user: User;
  /** The executable, looked up in `PATH` unless it holds a slash, and its arguments. */
  args: string[];
  /** `NAME=value`. */
  env?: string[];
  cwd: string;
  capabilities?: Capabilities;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  /** -1000 to 1000, proc_pid_oom_score_adj(5). */
  oomScoreAdj?: number;
  scheduler?: Scheduler;
  ioPriority?: IoPriority;
  /** CPU lists such as `0-3,7` for processes that join later: before and after they enter the cgroup. */
  execCPUAffinity?: { initial?: string; final?: string };
}

/** One of "POSIX-platform Hooks". */
export interface Hook {
  /** On the host; `startContainer` alone is looked up in the container. */
  path: string;
  /** With `argv[0]`. */
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

/** "POSIX-platform Hooks", in the order they run. */
export interface Hooks {
  /** Deprecated: runs with, and before, `createRuntime`. */
  prestart?: Hook[];
  createRuntime?: Hook[];
  createContainer?: Hook[];
  startContainer?: Hook[];
  poststart?: Hook[];
  poststop?: Hook[];
}

/** "Devices": a node that the container gets besides the "Default Devices". */
export interface Device {
  /** `u` is an unbuffered character device, `p` a FIFO. */
  type: 'c' | 'b' | 'u' | 'p';
  path: string;
  /** Required unless `type` is `p`. */
  major?: number;
  minor?: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

/** "Offset for Time Namespace": added to the clock. */
export interface TimeOffset {
  secs?: number;
  /** Below 1000000000. */
  nanosecs?: number;
}

/** What becomes of a call: seccomp_rule_add(3), "action". */
export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

/** How an argument is compared: seccomp_rule_add(3). */
export type SeccompOperator =
  'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';

/** seccomp(2). */
export type SeccompFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';

/** A condition on an argument of a call. */
export interface SeccompArg {
  /** Which argument of the call: 0 to 5. */
  index: number;
  value: number;
  /** For `SCMP_CMP_MASKED_EQ`: `(argument & value) == valueTwo`. */
  valueTwo?: number;
  op: SeccompOperator;
}

/** What becomes of the calls named, where all of `args` hold. */
export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  /** For `SCMP_ACT_ERRNO` and `SCMP_ACT_TRACE`; EPERM where absent. */
  errnoRet?: number;
  args?: SeccompArg[];
}

/** "Seccomp". */
export interface Seccomp {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  /** Such as `SCMP_ARCH_X86_64`; the kernel's own where absent. */
  architectures?: string[];
  flags?: SeccompFlag[];
  /** Unix stream socket on the host that is sent the notification fd of `SCMP_ACT_NOTIFY`. */
  listenerPath?: string;
  /** Handed to the listener as it is. */
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

/** "IntelRdt". */
export interface IntelRdt {
  closID?: string;
  /** The lines of the group's `schemata` file, written after the two older fields. */
  schemata?: string[];
  l3CacheSchema?: string;
  memBwSchema?: string;
  enableMonitoring?: boolean;
  /** Before 1.3. */
  enableCMT?: boolean;
  /** Before 1.3. */
  enableMBM?: boolean;
}

/** set_mempolicy(2). */
export type MemoryPolicyMode =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL';

/** "Memory policy": set_mempolicy(2). */
export interface MemoryPolicy {
  mode: MemoryPolicyMode;
  /** A list such as `0-3,7`; required, or forbidden, by the mode. */
  nodes?: string;
  flags?: ('MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES')[];
}

/** config-linux.md. */
export interface Linux {
  /** "Namespaces": a kind that is not listed is the runtime's own. */
  namespaces?: Namespace[];
  /** "User namespace mappings". */
  uidMappings?: IdMap[];
  gidMappings?: IdMap[];
  timeOffsets?: { monotonic?: TimeOffset; boottime?: TimeOffset };
  devices?: Device[];
  /** "Network Devices": interfaces of the host, by name, that move into the container. */
  netDevices?: Record<string, { name?: string }>;
  /** "Cgroups Path": absolute is relative to the cgroup mount point. */
  cgroupsPath?: string;
  resources?: Resources;
  /** "Rootfs Mount Propagation". */
  rootfsPropagation?: 'shared' | 'slave' | 'private' | 'unbindable';
  seccomp?: Seccomp;
  /** "Sysctl": `net.ipv4.ip_forward`, or the same with slashes. */
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  /** The SELinux context of the mounts. */
  mountLabel?: string;
  /** personality(2). No flag is defined yet. */
  personality?: { domain: 'LINUX' | 'LINUX32'; flags?: string[] };
  intelRdt?: IntelRdt;
  memoryPolicy?: MemoryPolicy;
}

/** The whole of `config.json` for Linux. */
export interface Spec {
  /** "Specification version": SemVer. */
  ociVersion: string;
  root: Root;
  mounts?: Mount[];
  process: Process;
  hostname?: string;
  domainname?: string;
  hooks?: Hooks;
  annotations?: Record<string, string>;
  linux?: Linux;
}
