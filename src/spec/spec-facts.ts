import type { Seccomp } from './spec.ts';

/** The user that the container's command runs as, looked up in the image's own passwd and group. */
export interface ResolvedUser {
  uid: number;
  gid: number;
  additionalGids: readonly number[];
  /** The home directory that passwd names. */
  home?: string;
}

/** Consecutive ids on the host, as a line of subuid(5) grants them. */
export interface IdRange {
  start: number;
  size: number;
}

/** A device node of the host. */
export interface DeviceNode {
  type: 'c' | 'b';
  major: number;
  minor: number;
  /** Permission bits. */
  fileMode: number;
  uid: number;
  gid: number;
}

/** What a default asks for and this host does not have: left out instead of failing. */
export type HostLack =
  /** No cgroup v2 hierarchy to mount. */
  | 'cgroup2'
  /** A kernel without POSIX message queues. */
  | 'mqueue'
  /** A host that shows its own message queues nowhere. */
  | '/dev/mqueue'
  /** A kernel without swap accounting. */
  | 'memory.swap'
  | 'net.ipv4.ping_group_range'
  | 'net.ipv4.ip_unprivileged_port_start';

/** What `specOf` must know of the world, gathered by its caller: it looks at nothing itself. */
export interface SpecFacts {
  /** Made up for this container: names its cgroup and its host where the request does not. */
  readonly id: string;
  /** Where on the host the container's root will be. */
  readonly rootfs: string;
  /** Whether the caller lacks privileges over the host, so that a user namespace must give them. */
  readonly rootless: boolean;
  /** The caller's ids. */
  readonly uid: number;
  readonly gid: number;
  /** The host's name. */
  readonly hostname: string;
  readonly user: ResolvedUser;
  /** What subuid(5) and subgid(5) grant the caller; absent without newuidmap(1) to use it. */
  readonly subordinate?: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };
  readonly lacks?: readonly HostLack[];
  /** What the caller may pass on, such as `CAP_CHOWN`: its bounding set. All of them where absent. */
  readonly capabilities?: readonly string[];
  /** Nodes of the host by their path: those that the request names, and all of them for a privileged container. */
  readonly devices?: ReadonlyMap<string, DeviceNode>;
  /** Each `/sys/devices/system/cpu/cpu<n>/thermal_throttle` of the host. */
  readonly thermalThrottle?: readonly string[];
  /** The profile that the request asks for, given the bounding set; undefined for none. */
  readonly seccomp?: (capabilities: readonly string[]) => Seccomp | undefined;
}
