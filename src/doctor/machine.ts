/** The machine and the user under examination: what is cheap to read of them, and the door to trials. */
import { readFileSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { TareError } from '../errors.ts';
import { type CgroupHost, probeCgroups } from '../cgroup/hierarchy.ts';
import { type Host, probeHost } from '../linux/host.ts';
import { type MountEntry, type ProcessStatus, readMountinfo, readStatus } from '../linux/proc.ts';
import { Trials } from './trials.ts';

export interface Machine {
  /** Such as `6.1.0-18-amd64`. */
  readonly release: string;
  readonly user: string;
  readonly env: NodeJS.ProcessEnv;
  readonly status: ProcessStatus;
  readonly cgroups: CgroupHost;
  readonly mounts: readonly MountEntry[];
  /** What keeps a child from being started, if anything does. */
  readonly obstacle: unknown;
  /** Both throw where there is an obstacle. */
  readonly host: () => Host;
  readonly trials: () => Trials;
  /** The text of a file; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
}

/** Starts one child, to see that it can be done. */
export async function lookAround(): Promise<Machine> {
  const begun = await begin();
  const unless = <T>(value: T | undefined): T => {
    if (value === undefined) throw new TareError(`see ${firstTrial}`);
    return value;
  };
  return {
    release: release(),
    user: userName(),
    env: process.env,
    status: readStatus(),
    cgroups: probeCgroups(),
    mounts: readMountinfo(),
    obstacle: begun.obstacle,
    host: () => unless(begun.host),
    trials: () => unless(begun.trials),
    read,
  };
}

/** The name of the probe that tells of the obstacle. */
export const firstTrial = 'clone3';

interface Begun {
  readonly host?: Host;
  readonly trials?: Trials;
  readonly obstacle?: unknown;
}

/** A trial of nothing comes first: where it fails, no other has anything to say. */
async function begin(): Promise<Begun> {
  try {
    const host = probeHost();
    const trials = new Trials(host);
    const obstacle = await trials.child({ world: 'host' }, () => {});
    return obstacle === undefined ? { host, trials } : { host, obstacle };
  } catch (obstacle) {
    return { obstacle };
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 0); // an id without a line in passwd
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
