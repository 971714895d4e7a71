/** A question as data: what each file of `workloads/` holds. */
import type { Job, Link, Peer } from './backend.ts';
import type { Measure, QuestionName, Variant } from './question.ts';
import type { Settings } from './result.ts';

export interface Workload {
  readonly question: QuestionName;
  readonly asks: string;
  readonly method: string;
  readonly measures: readonly Measure[];
  /** Runs programs of `Stock.program`, which a user's image does not have. */
  readonly ownImage?: boolean;
  trials(circumstances: Circumstances): readonly Trial[];
}

/** What decides which variants are asked, and how long. */
export interface Circumstances extends Pick<Settings, 'effort' | 'runs'> {
  /** Whether we may drop the page cache. */
  readonly root: boolean;
  /** MiB. */
  readonly availableMemory: number;
}

/** A variant, and how it is measured. */
export interface Trial extends Variant {
  readonly pace: Pace;
  /** Whether a report says what the data of each backend pass through: bind mounts, virtio… */
  readonly showsWay?: true;
  /** What must be there besides a backend: where it is not, nothing is measured, and the report says why. */
  readonly needs?: Needs;
  /** What is run, of the payload and image that the settings name. */
  job(stock: Stock): Job;
  /** Before each sample, outside of all times. */
  prepare?(): Promise<void>;
  /** Why this backend cannot be asked, if it cannot. */
  refuses?(peer: Peer): string | undefined;
  /** By measure. */
  sample(peer: Peer, stock: Stock): Promise<Values>;
}

export type Values = Readonly<Record<string, number>>;

export interface Needs {
  /** Debian's programs, by name: `fio`. */
  readonly tools?: readonly string[];
  /** A disk to write to. */
  readonly disk?: true;
  /** A network with somebody outside. */
  readonly link?: true;
}

/** The image and the programs in it. */
export interface Stock {
  /** The directory that is the root of all instances. */
  readonly root: string;
  /** The user's payload; else our own, which writes a byte and ends. */
  readonly payload: readonly [string, ...string[]];
  /** Our own programs by name, as paths inside `root`; undefined in a user's image. */
  readonly program: string | undefined;
  /** The root that has Debian's tools as well, of those that were installed when it was built; undefined in a user's image. */
  readonly tools: string | undefined;
  /** Where the trial needs one. */
  readonly outside?: Outside;
}

/** A network, and its other end. */
export interface Outside extends Link {
  /** Runs a program of the image there, to its end. @returns what it wrote. @throws TareError with what it complained of */
  run(command: readonly [string, ...string[]]): Promise<string>;
  /** Asks an address by HTTP, from when the promise settles, until there is an answer: CLOCK_MONOTONIC in ns. */
  ask(address: string, port: number): Promise<{ readonly answered: Promise<bigint> }>;
}

export interface Pace {
  /** Samples of each that are thrown away first. */
  readonly warmup: number;
  readonly least: number;
  readonly most: number;
  /** Seconds for all backends together, after which no further sample is taken once each has one. */
  readonly budget: number;
  /** Done when the 95 % interval of every median is so narrow, relative to it. */
  readonly precision: number;
  /** Milliseconds before each sample: the kernel takes a container's namespaces down in the background. */
  readonly rest: number;
}
