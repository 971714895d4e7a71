/** The machine and the user under examination: what is cheap to read of them, and the door to trials. */
import { readFileSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { TareError } from '../errors.ts';
import { type CgroupHost, probeCgroups } from '../cgroup/hierarchy.ts';
import { type Host, probeHost } from '../linux/host.ts';
import { type MountEntry, type ProcessStatus, readMountinfo, readStatus } from '../linux/proc.ts';
import { firstTrials, Trials } from './trials.ts';

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
  /** Throws where tare does not know the architecture. */
  readonly host: () => Host;
  /** Throws where there is an obstacle. */
  readonly trials: () => Trials;
  /** The text of a file; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
}

/** Starts a child or two, to see that it can be done. */
export async function lookAround(): Promise<Machine> {
  const host = await outcome(probeHost);
  const trials = await outcome(() => Trials.begin(get(host)));
  return {
    release: release(),
    user: userName(),
    env: process.env,
    status: readStatus(),
    cgroups: probeCgroups(),
    mounts: readMountinfo(),
    obstacle: trials.error,
    host: () => get(host),
    trials: () => {
      if (trials.value === undefined) throw new TareError(`see ${firstTrials.child}`);
      return trials.value;
    },
    read,
  };
}

type Outcome<T> =
  { readonly value: T; readonly error?: undefined } | { readonly value?: undefined; readonly error: unknown };

async function outcome<T>(make: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await make() };
  } catch (error) {
    return { error };
  }
}

function get<T>({ value, error }: Outcome<T>): T {
  if (value === undefined) throw error;
  return value;
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
