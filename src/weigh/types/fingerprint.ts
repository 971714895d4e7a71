/** What a machine was while it was measured: numbers mean nothing without it. */

export interface Fingerprint {
  /** `Debian GNU/Linux 12 (bookworm)`, of os-release(5). */
  readonly system: string;
  readonly kernel: {
    /** `6.1.0-18-amd64` */
    readonly release: string;
    /** uname(2)'s version: how it was built. */
    readonly version: string;
    /** `x86_64` */
    readonly machine: string;
    /** What it does against each flaw of this CPU: the files of /sys/devices/system/cpu/vulnerabilities. */
    readonly mitigations: Readonly<Record<string, string>>;
  };
  readonly cpu: {
    readonly model: string;
    /** That this process may run on. */
    readonly count: number;
    /** cpufreq's; absent where the machine has none, as in most virtual machines. */
    readonly governor?: string;
  };
  /** MiB. */
  readonly memory: { readonly total: number; readonly available: number; readonly swap: number };
  /** What this machine itself runs in: `KVM`, `Docker`…; absent on bare metal, as far as it can be told. */
  readonly virtualised?: string;
  readonly cgroups: 'v2' | 'v1' | 'hybrid' | 'none';
  /**
   * Switches that change what isolation costs, by their path under /proc/sys or /sys: `kernel/rcu_expedited`,
   * `kernel.apparmor_restrict_unprivileged_userns`. Those that the machine does not have are absent.
   */
  readonly switches: Readonly<Record<string, string>>;
  /** Load averages over 1, 5 and 15 minutes, as it began: getloadavg(3). */
  readonly load: readonly [number, number, number];
  /** `v20.19.5` */
  readonly node: string;
  /** What makes every command slower that is written for Node, or all: NODE_EXTRA_CA_CERTS, NODE_OPTIONS, LD_PRELOAD. Those that are set. */
  readonly environment?: Readonly<Record<string, string>>;
}
