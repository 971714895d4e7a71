/** What `compile` must know and the spec does not say. Gathered by `container/`, so that compiling stays pure. */
import type { Arch } from '../linux/abi.ts';
import type { RootSource } from '../spec/root-source.ts';

export interface SeccompFilter {
  /** `struct sock_filter[]`. */
  readonly bpf: Uint8Array;
  /** For seccomp(2). */
  readonly flags: number;
  /** Some rule asks a listener. */
  readonly notify: boolean;
}

/** The host's root stays in the container's mount namespace, below its own: out of reach, but for what the kernel goes by. */
export interface CoversRoot {
  /** Where all of procfs or sysfs is mounted. Where it is to be seen, the kernel lets users of user namespaces mount another: mount_namespaces(7). */
  readonly revealing: readonly string[];
}

export interface OwnGroup {
  /** As a host has it below /sys/fs/cgroup: `memory`, `cpu,cpuacct`, `unified`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

export type PathKind = 'file' | 'directory';

export interface Facts {
  readonly arch: Arch;
  /** The highest capability this kernel knows: /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** Signals that this process ignores: they would stay ignored across execve. */
  readonly ignoredSignals: readonly number[];
  readonly root: RootSource;
  /** An existing directory of the host that a tmpfs may cover in the container's own mount namespace. */
  readonly scratch: string;
  /** Without privileges over the host. */
  readonly rootless: boolean;
  /** Whether the user namespace allows setgroups(2): user_namespaces(7). */
  readonly setgroups: boolean;
  /** What lies at paths of the host: bind sources, masked paths. */
  readonly paths: ReadonlyMap<string, PathKind>;
  readonly seccomp?: SeccompFilter;
  /** Where on the host a device lies, by its path in the container; absent where both are the same. */
  readonly devices?: ReadonlyMap<string, string>;
  /** How many fds the payload gets: 3, and the extra ones. */
  readonly payloadFds: number;
  /** Id-mapped mounts, ready but not attached, by destination: fds of the program (`innerFd`). Only the host's side may map ids; or reach them. */
  readonly idMapped: ReadonlyMap<string, number>;
  /** Groups of cgroup v1 to live in, besides that of v2 in which the program was born: their open `cgroup.procs` as fds of the program. */
  readonly v1Groups?: ReadonlyMap<number, string>;
  /** Where v1 has controllers, what a mount of cgroups shows: the container's own group of each hierarchy, under the hierarchy's name. */
  readonly ownGroups?: readonly OwnGroup[];
  /** Wait, when all is ready, until the parent says start. */
  readonly waitForStart: boolean;
  /** Wait for a byte from this socket instead (an fd of the program): the parent will be gone by then. */
  readonly startSocket?: number;
  /** Stop when the view is built and not yet entered, for hooks to run. */
  readonly stopForHooks?: boolean;
  /** Stay in the caller's session keyring. */
  readonly sharesKeyring?: boolean;
  /** Where the host's root is its initial ramfs: cover it, since it cannot be moved away. */
  readonly coversRoot?: CoversRoot;
  /** End with the parent. */
  readonly dieWithParent: boolean;
  /** Stay as pid 1 and reap, with the payload as a child. */
  readonly init: boolean;
}
