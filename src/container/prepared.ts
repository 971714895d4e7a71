/** A launch that is ready to begin: all that is known of it before anything has been made. */
import type { CgroupDriver, CgroupPlan } from '../cgroup/driver.ts';
import type { CgroupHost } from '../cgroup/hierarchy.ts';
import type { Image } from '../image/image.ts';
import type { Launch } from '../launch/compile.ts';
import type { Encoded } from '../launch/encode.ts';
import type { PathKind } from '../launch/facts.ts';
import type { NetDeviceMove } from '../launch/net-devices.ts';
import type { Mount, Spec } from '../spec/spec.ts';

export interface Prepared {
  readonly id: string;
  readonly image: Image;
  readonly spec: Spec;
  readonly launch: Launch;
  readonly cgroup: CgroupPlan | undefined;
  /** Mounts that the host's side takes, mostly to map their ids, in the order in which the program expects them. */
  readonly idMapped: readonly Mount[];
  /** Network devices of the host that the container gets. */
  readonly netDevices: readonly NetDeviceMove[];
  /** The launch's program as bytes, where they are known already. */
  readonly encoded?: Encoded;
}

export interface PrepareOptions {
  /** How many fds the payload gets. */
  readonly payloadFds: number;
  readonly waitForStart: boolean;
  readonly dieWithParent: boolean;
}

/** How a container is made that outlives its maker. */
export interface DetachedOptions extends Pick<PrepareOptions, 'payloadFds'> {
  readonly stopForHooks: boolean;
  readonly sharesKeyring: boolean;
  readonly coversRoot: boolean;
  /** Where groups are made: `parent` is that of groups which nobody sweeps. */
  readonly cgroups: CgroupHost;
  /** What lies at a path of the host, where that is not to be looked up there. */
  readonly kindOf?: (path: string) => PathKind | undefined;
  readonly driver: CgroupDriver;
}
