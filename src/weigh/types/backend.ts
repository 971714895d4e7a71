/** One way to run a program: what each file of `backends/` implements, and `tests/conformance/backends.test.ts` holds it to. */
import type { Engine } from '../../container/engine.ts';
import type { AcceleratorName, Family, Missing, Span, Traits } from './result.ts';

export interface Backend {
  /** As in `--backends`. */
  readonly name: string;
  readonly title: string;
  readonly family: Family;
  readonly traits: Traits;
  /** Names by which it is asked for together with others, beside that of its family: `qemu-tcg`. */
  readonly groups?: readonly string[];
  /** Whether it works here, found out by looking, and best by trying. Never rejects. */
  probe(site: Site): Promise<Readiness>;
  readonly offers: Offers;
  /** Why a job makes no sense here, if it does not: that is no failure. */
  readonly refuses?: (job: Job) => string | undefined;
  /** Rejects with the reason where it cannot be had. */
  open(job: Job, site: Site): Promise<Peer>;
  /** One start, followed step by step, from the request to nothing left. Absent where there is nothing to be seen. */
  readonly follow?: (job: Job, site: Site) => Promise<readonly Span[]>;
  /** Takes away what a killed weighing has left in its site. */
  sweep?(site: Site): Promise<void>;
}

/** What a payload's data pass through on their way to the disk or to others; or why there is no such way. */
export interface Offers {
  /** When it writes to its own root. */
  readonly root: Offer;
  /** When it writes to a volume. */
  readonly volume: Offer;
  /** When it speaks to who is outside, over a `Link`. */
  readonly link: Offer;
}

export type Offer = { readonly through: string } | { readonly missing: string };

export type Readiness = Ready | { readonly missing: Missing };

export interface Ready {
  readonly version: string;
  /** Of a virtual machine: who executes its guest. */
  readonly accelerator?: AcceleratorName;
  /** Where it says more than the backend's own. */
  readonly title?: string;
}

/** Where a backend may keep files while it is measured. */
export interface Site {
  /** A directory of this weighing and this backend alone: absolute, made, gone in the end. */
  readonly directory: string;
  /** The same on a disk, for what is large or is to be written to it: `directory` may lie in memory. */
  readonly disk: string;
  /** Of tare itself: to read images, to make specs, filters and containers. */
  readonly engine: Engine;
  /** The version of tare. */
  readonly tare: string;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
}

/** What is to be run. */
export interface Job {
  /** The directory that is the instance's root, read-only or not: the same for all. */
  readonly root: string;
  /** The program and its arguments, by their paths inside. */
  readonly payload: readonly [string, ...string[]];
  /** `own`: a network namespace of its own with nothing but loopback. `host`: the host's. A link is joined. */
  readonly network: 'own' | 'host' | Link;
  /** Where the payload writes to: to the root at `/var/tmp`, which lies on a disk then, or to a volume at `/mnt`. */
  readonly storage?: 'root' | 'volume';
}

/** A small network of this weighing's own: instances join it one at a time, and somebody at its other end listens. */
export interface Link {
  /** The network namespace where it begins for processes and containers: `/proc/PID/ns/net`. */
  readonly namespace: string;
  /** For the card of a virtual machine. */
  readonly tap: { readonly name: string; readonly namespace: string };
  /** Where an instance in the namespace is reached. */
  readonly address: string;
}

/** A backend that is set up and can be asked again and again. */
export interface Peer extends AsyncDisposable {
  /** Where its instances are reached over a link, if not where the link says. */
  readonly address?: string;
  /** MiB that each instance may take, where somebody has decided that beforehand: a machine's. */
  readonly memory?: number;
  /**
   * Runs so many instances, all requested at once, until nothing is left of any; standard input is empty.
   *
   * @throws TareError with what the program wrote to standard error, where its exit code is not 0 or the backend failed
   */
  run(count: number): Promise<readonly Run[]>;
  /** Starts one that lives until it is released; resolves with its first byte. Absent where a backend cannot. */
  hold?(): Promise<Held>;
  /** Processes of instances that are held, and what runs for their sake alone: pids on the host. Comes with `hold`. */
  processes?(): Processes;
  /** The same as `run(1)`, in the steps that the backend itself has. Absent where it has but one. */
  runInSteps?(): Promise<Steps>;
}

export interface Processes {
  readonly payload: readonly number[];
  readonly helpers: readonly number[];
}

/** An instance from its request to its end. Times are CLOCK_MONOTONIC in ns. */
export interface Run {
  readonly requested: bigint;
  /** Its first byte of output has arrived; absent where it wrote none. */
  readonly firstByte?: bigint;
  /** Whoever asked is told of its end. */
  readonly exited: bigint;
  /** And nothing is left of it: no process, no cgroup, no file. */
  readonly gone: bigint;
  /** How long the start took by the backend's own timer, in ns; absent where it has none. */
  readonly internal?: bigint;
  /** At most the first 64 KiB. */
  readonly output: string;
  /** Of all its processes that somebody waited for; absent where a service or a hypervisor did. */
  readonly usage?: Usage;
}

/** getrusage(2). */
export interface Usage {
  /** µs */
  readonly user: number;
  readonly system: number;
  /** Of the largest of its processes, in KiB; absent where the kernel cannot tell. */
  readonly peak?: number;
}

/** How long each step took, in ns; what happens between them is not counted. */
export interface Steps {
  /** Until all is made and the payload waits to be let run. */
  readonly create: number;
  readonly start: number;
  /** Of one whose payload has ended. */
  readonly delete: number;
}

export interface Held {
  readonly requested: bigint;
  readonly firstByte: bigint;
  /** Ends it and resolves when nothing is left. */
  release(): Promise<void>;
}
