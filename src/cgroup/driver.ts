/**
 * Who makes the groups of containers: tare itself (`cgroupfs.ts`), or a service manager that owns the hierarchy.
 *
 * A driver plans; the launch makes ops of the plan: directories, then controllers, then limits, then device rules,
 * all before the child is born in the group.
 */
import type { Errno } from '../linux/abi.ts';
import type { Resources } from '../spec/resources.ts';
import type { CgroupHost, V1Group } from './hierarchy.ts';
import type { CgroupWrite } from './limits.ts';
import type { ScopeUnit } from './systemd-unit.ts';

export interface CgroupRequest {
  /** Of the container. */
  id: string;
  /** The runtime-spec's `linux.cgroupsPath`: absolute from the mount, or relative to the parent of our groups; or as the driver has it. */
  cgroupsPath?: string;
  resources?: Resources;
  /** The group is there, with limits: what is planned is how to change them. */
  changes?: boolean;
}

/** A directory to make, mode 755. */
export interface CgroupDirectory {
  /** Absolute. */
  path: string;
  why: string;
  allow?: readonly Errno[];
  hints?: Partial<Record<Errno, string>>;
  /** Writes within it that follow only where it has not been there before. */
  first?: readonly CgroupWrite[];
  /** It has been there, and these are written all the same. */
  fill?: boolean;
}

/** A group of cgroup v1 that the container's first process moves to: `clone3` can only put it into one of v2. */
export interface V1Plan extends V1Group {
  /** Writes within the group, in order. */
  readonly limits: readonly CgroupWrite[];
}

/** A group to make, as data: nothing has happened yet. */
export interface CgroupPlan {
  /** The container's group, absolute: among `directories`, where those are ours to make. */
  path: string;
  /** From the top down, those of v1 last: whoever finds a container's group of v2 finds all of them. */
  directories: readonly CgroupDirectory[];
  /** Writes to groups above, from the top down, mostly to `cgroup.subtree_control`; `file` is absolute. */
  enable: readonly CgroupWrite[];
  /** Writes within the group, in order. */
  limits: readonly CgroupWrite[];
  /** Its other groups, one a hierarchy. */
  v1: readonly V1Plan[];
  /** The eBPF program that judges device access (`linux/bpf-devices.ts` says how to load and attach it). */
  devices?: { program: Uint8Array; why: string };
  /** What the driver starts before anything else of the plan: the group is then there. */
  unit?: ScopeUnit;
}

export interface CgroupDriver {
  readonly name: string;
  /**
   * What has to be done for a container's group, or undefined where no group can be made and none is needed: then the
   * container shares ours. Throws a `TareError` that names every limit which cannot be had.
   */
  plan(host: CgroupHost, request: CgroupRequest): Promise<CgroupPlan | undefined>;
  /** Makes the group of a plan that has a unit, with a process in it that stays until another has come. */
  start?(unit: ScopeUnit, pid: number): Promise<void>;
  /** Removes such a group, which nobody lives in any more, and forgets its unit. One that is gone is fine. */
  stop?(unit: string): Promise<void>;
  /** Hears of limits of such a group that have been changed. */
  update?(unit: string, plan: Pick<CgroupPlan, 'limits'>): Promise<void>;
}
