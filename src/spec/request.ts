/**
 * What a user asks for, before any default is filled in.
 *
 * The command line's flags and the library's options both become a `RunRequest`;
 * `defaults.ts` turns it and the image's own configuration into a `Spec`.
 */

/** A namespace: a new one, the host's, or the one behind a path such as `/proc/123/ns/net`. */
export type NamespaceChoice = 'new' | 'host' | { path: string };

/** The eight kinds of namespaces(7), by the names of the OCI runtime-spec ("linux.namespaces"). */
export type NamespaceKind = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

/** A bind mount, a tmpfs or a volume of its own. */
export interface MountRequest {
  type: 'bind' | 'tmpfs' | 'volume';
  /** Absolute path on the host; for `bind` only. */
  source?: string;
  /** Absolute path in the container. */
  target: string;
  /** Options in the runtime-spec's spelling: `ro`, `rw`, `rbind`, `rro`, `nosuid`, `size=64m`, `rprivate`, `idmap` … */
  options: string[];
}

/** What the cgroup limits. Each needs its controller: in cgroup v2, or in v1 where no file of v2 is named. */
export interface Limits {
  /** Hard limit: bytes, or a number with a unit (`64m`, `1.5g`). cgroup v2 `memory.max`. */
  memory?: number | string;
  /** Memory plus swap, as Docker counts it; -1 for no limit on swap. cgroup v2 `memory.swap.max`. */
  memorySwap?: number | string;
  /** Best-effort lower bound, `memory.low`. */
  memoryReservation?: number | string;
  /** Throttling threshold, `memory.high`. */
  memoryHigh?: number | string;
  /** CPUs' worth of time, such as 1.5. cgroup v2 `cpu.max`. */
  cpus?: number;
  /** 1 to 10000. cgroup v2 `cpu.weight`. */
  cpuWeight?: number;
  /** Extra CPU time that may be saved up, in microseconds. `cpu.max.burst`. */
  cpuBurst?: number;
  /** Run only when nobody else wants the CPU. `cpu.idle`. */
  cpuIdle?: boolean;
  /** A list such as `0-2,7`. `cpuset.cpus`. */
  cpusetCpus?: string;
  /** A list such as `0`. `cpuset.mems`. */
  cpusetMems?: string;
  /** `pids.max`; -1 for none. */
  pids?: number;
  /** 1 to 10000. `io.weight`. */
  ioWeight?: number;
  /** Free choice of cgroup v2 files and values: the spec's `linux.resources.unified`. */
  unified?: Record<string, string>;
}

/** A resource limit of the first process: getrlimit(2). Bytes, seconds or counts, as the limit has it. */
export interface Ulimit {
  /** Such as `nofile`; without `RLIMIT_`, in lower case. */
  name: string;
  soft: number | 'unlimited';
  hard: number | 'unlimited';
}

/** Id maps in the form of user_namespaces(7): `size` ids from `containerID` on are `hostID` and following. */
export interface IdMap {
  containerID: number;
  hostID: number;
  size: number;
}

/** A device node of the host that the container gets, and may use as `permissions` say. */
export interface DeviceRequest {
  /** Device node on the host. */
  source: string;
  /** Where it appears in the container. */
  target: string;
  /** Any of `r`, `w`, `m`. */
  permissions: string;
}

/** What a container is to be. Whatever is absent is as Docker would have it. */
export interface RunRequest {
  /** `busybox`, `host`, `dir:PATH` or `oci:PATH`. */
  image: string;
  /** The command and its arguments; the image's own where empty. */
  args?: readonly string[];
  /** Replaces the image's entry point; an empty list removes it. */
  entrypoint?: readonly string[];
  /** Names the container's cgroup and messages; made up where absent. */
  name?: string;
  /** `NAME=value`, later ones win. */
  env?: readonly string[];
  /** Absolute in the container; made where it is missing. The image's own where absent. */
  cwd?: string;
  /** `name|uid[:group|gid]`, looked up in the image's own passwd and group. */
  user?: string;
  /** Supplementary groups, names or numbers. */
  groupAdd?: readonly string[];
  /** Such as 0o022, which it is where absent. */
  umask?: number;
  /** Where absent the container's id, or the host's name on the host's network. */
  hostname?: string;
  /** The NIS domain name: setdomainname(2). */
  domainname?: string;
  /** After the default mounts, in this order. */
  mounts?: readonly MountRequest[];
  /** Besides the default devices. */
  devices?: readonly DeviceRequest[];
  /** Mounts the root read-only. */
  readOnly?: boolean;
  /** A directory that keeps what the container writes (`upper` and `work` are made in it); thrown away where absent. */
  upper?: string;
  /** What the cgroup limits. */
  limits?: Limits;
  /** Resource limits of the first process. */
  ulimits?: readonly Ulimit[];
  /** -1000 (never) to 1000 (first): proc_pid_oom_score_adj(5). */
  oomScoreAdj?: number;
  /** Namespaces by kind; all eight are new where the request is silent (`time` only with `timeOffsets`, `user` only when rootless or with maps). */
  namespaces?: Partial<Record<NamespaceKind, NamespaceChoice>>;
  /** The user namespace's map of user ids; asking for it makes a new user namespace. */
  uidMappings?: readonly IdMap[];
  /** The same for group ids. */
  gidMappings?: readonly IdMap[];
  /** Seconds added to each clock: time_namespaces(7). */
  timeOffsets?: { monotonic?: number; boottime?: number };
  /** Such as `{"net.ipv4.ip_forward": "1"}`; only what belongs to a new namespace. */
  sysctl?: Record<string, string>;
  /** Besides the default capabilities: `NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`. */
  capAdd?: readonly string[];
  /** Of the default capabilities, or `ALL` of them; what `capAdd` names stays. */
  capDrop?: readonly string[];
  /** All capabilities, all devices, nothing masked, no seccomp. */
  privileged?: boolean;
  /** Set-user-ID programs give nothing: prctl(2), PR_SET_NO_NEW_PRIVS. */
  noNewPrivileges?: boolean;
  /** `default`, `unconfined` or a path of a profile in Docker's or the OCI's form. */
  seccomp?: string;
  /** The name of a loaded profile, or `unconfined`. */
  apparmor?: string;
  /** The SELinux label of the process. */
  selinux?: string;
  /** `unconfined`: mask no paths (`--security-opt systempaths=unconfined`). */
  systemPaths?: 'default' | 'unconfined';
  /** A reaping, signal-forwarding pid 1 before the command. */
  init?: boolean;
  /** A pseudoterminal, made inside, for its standard streams. */
  terminal?: boolean;
  /** Of the terminal, in characters. */
  consoleSize?: { width: number; height: number };
  /** Free to the user; passed on to hooks. */
  annotations?: Record<string, string>;
}
