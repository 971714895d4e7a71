/** What tare-oci knows of a container: kept on disk between two verbs, and told as the runtime-spec's "State". Pure. */
import type { V1Group } from '../cgroup/hierarchy.ts';
import type { Spec } from '../spec/spec.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** Of a container that has been created: `container.json`. */
export interface Saved {
  readonly id: string;
  /** Of its first process. */
  readonly pid: number;
  /** proc_pid_stat(5), `starttime`: with the pid one process until the next boot. */
  readonly startTime: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  /** The name of whoever created it. */
  readonly owner: string;
  /** Absolute; a container without a group of its own has none. */
  readonly cgroup?: string;
  /** Its groups of cgroup v1, where that holds controllers. */
  readonly v1?: readonly V1Group[];
  /** The scope of systemd whose group that is. */
  readonly unit?: string;
  /** It stays in the session keyring of whoever starts something in it. */
  readonly sharesKeyring: boolean;
  /** Defaults filled in, paths absolute. */
  readonly spec: Spec;
}

/** runtime.md, "State", with what runc adds. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 where there is none. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Record<string, string>;
  readonly owner: string;
}

export function stateOf(saved: Saved, status: Status): State {
  const { id, pid, bundle, rootfs, created, owner, spec } = saved;
  return {
    ociVersion: spec.ociVersion,
    id,
    pid: status === 'stopped' ? 0 : pid,
    status,
    bundle,
    rootfs,
    created,
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    owner,
  };
}
