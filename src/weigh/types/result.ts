/**
 * The result file: what `tare weigh --json FILE` writes, `--compare` reads, and every report is made of.
 *
 * The same shape as JSON schema: `weighing.schema.json` beside this file. `version` grows when a reader of the last one would
 * misread a file; what is only added does not count.
 */
import type { Fingerprint } from './fingerprint.ts';
import type { Measure, QuestionName, Variant } from './question.ts';

export const format = 'tare-weighing';
export const version = 1;

export interface Weighing {
  readonly format: typeof format;
  readonly version: typeof version;
  /** The version of tare that measured. */
  readonly tare: string;
  /** ISO 8601, UTC. */
  readonly begun: string;
  /** How long it took. */
  readonly seconds: number;
  /** `interrupted`: by Ctrl-C. `incomplete`: a backend that could be measured died, or a payload failed. */
  readonly outcome: 'complete' | 'interrupted' | 'incomplete';
  readonly settings: Settings;
  readonly machine: Fingerprint;
  /** What the harness itself costs. Reported, never subtracted. */
  readonly harness: readonly HarnessCost[];
  /** The backend that the others are compared with; the first one measured if `process` is not among them. */
  readonly reference: string;
  /** All that were asked for, in the order of a report: measured or not. */
  readonly backends: readonly BackendEntry[];
  readonly questions: readonly QuestionEntry[];
  /** One start of a backend, followed step by step, where it can be: drawn on one axis, the first request at 0. */
  readonly timelines: readonly Timeline[];
}

export interface Settings {
  readonly effort: 'quick' | 'normal' | 'full';
  /** Rounds of each question, where they were asked for; else the interval decides. */
  readonly runs?: number;
  /** The user's own payload and image, where they were given. */
  readonly payload?: readonly string[];
  readonly image?: string;
  /** The publication whose workloads these are. */
  readonly suite?: string;
  /** Of the order within rounds and of the resampling: the same seed and samples give the same intervals. */
  readonly seed: number;
}

export type Family = 'process' | 'sandbox' | 'container' | 'daemon' | 'vm';

/** `qemu-kvm`: the processor itself. `qemu-tcg`: QEMU, which translates the guest's instructions, some ten times slower. */
export type AcceleratorName = 'qemu-kvm' | 'qemu-tcg';

export interface BackendEntry {
  /** `crun` */
  readonly name: string;
  /** `crun run` */
  readonly title: string;
  /** `daemon`: a container that a service makes. */
  readonly family: Family;
  /** What the program says of itself: `1.8.1`. */
  readonly version?: string;
  /** Of a virtual machine: who executes its guest. Without it no figure of one means anything. */
  readonly accelerator?: AcceleratorName;
  /** What an instance gets from it: without these a comparison of times is none. */
  readonly traits: Traits;
  /** Why nothing of it was measured: shown as `not measured: reason`. */
  readonly missing?: Missing;
}

export interface Traits {
  /** `pid`, `mount`…; of a VM none, it has a kernel. */
  readonly namespaces: readonly string[];
  readonly root: 'host' | 'chroot' | 'bind mount' | 'directory' | 'overlay' | 'disk';
  readonly cgroup: boolean;
  readonly seccomp: boolean;
  readonly kernel: 'shared' | 'own';
  /** Its kernel has started before: it is taken up from a snapshot, and a start holds no boot. */
  readonly resumed?: true;
  /** Anything else that a reader should know: `no masked paths`. */
  readonly notes?: string;
}

export interface Missing {
  /** `not installed` */
  readonly reason: string;
  /** `apt-get install crun` */
  readonly cure?: string;
}

export interface QuestionEntry {
  readonly name: QuestionName;
  /** As a reader would ask it: `how long from the request to the first byte, the exit, and nothing left?` */
  readonly asks: string;
  /** How it is measured, in a paragraph. */
  readonly method: string;
  /** The first is the one that answers the question; the others say more. */
  readonly measures: readonly Measure[];
  readonly variants: readonly Variant[];
  /** By variant, then by backend. */
  readonly series: readonly Series[];
  /** Of backends that were measured elsewhere, but not here: `the backend cannot start 100 at once`. */
  readonly missing: readonly (Missing & { readonly backend: string; readonly variant?: string })[];
}

/** All samples of one backend under one variant of a question. */
export interface Series {
  readonly backend: string;
  readonly variant: string;
  /** Why it ends early: the backend died, or its payload failed; what the program wrote to its standard error. */
  readonly failure?: string;
  /** What its data passed through, where the variant is about that: `virtio-blk`. */
  readonly through?: string;
  /** The round of each sample. Samples of the same round of different backends were taken next to each other. */
  readonly rounds: readonly number[];
  /** By measure: a value for each sample, in the measure's unit. A measure that the backend cannot tell is absent. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** By measure. */
  readonly summaries: Readonly<Record<string, Summary>>;
  /** By measure, to the reference backend under the same variant; absent of the reference itself, and where a value of either is not positive. */
  readonly comparisons: Readonly<Record<string, Comparison>>;
}

/** One sample, as the raw NDJSON has it, a line each. */
export interface Sample {
  readonly question: QuestionName;
  readonly variant: string;
  readonly backend: string;
  readonly round: number;
  /** Its turn within the round. */
  readonly turn: number;
  /** Milliseconds since the weighing began. */
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly median: number;
  /** 95 % of resampled medians lie within. */
  readonly low: number;
  readonly high: number;
  readonly p5: number;
  readonly p95: number;
  readonly p99: number;
  /** Indices of values with a modified z-score above 3.5. Flagged, never dropped. */
  readonly outliers: readonly number[];
}

export interface Comparison {
  /** Of the medians: this backend's to the reference's. */
  readonly ratio: number;
  /** 95 % of resampled ratios lie within; rounds are resampled whole. */
  readonly low: number;
  readonly high: number;
  /** Of the rank-sum test: how likely samples of one distribution differ as much. */
  readonly p: number;
  readonly verdict: 'lower' | 'higher' | 'same';
}

export interface HarnessCost {
  /** `an empty program, timed` */
  readonly title: string;
  readonly definition: string;
  readonly unit: 'ms' | 'ns';
  readonly summary: Summary;
}

export interface Timeline {
  readonly backend: string;
  /** Why there are no spans: the start that was followed failed. */
  readonly failure?: string;
  /** By their begin; a span may contain others, which then follow it and are one deeper. */
  readonly spans: readonly Span[];
}

/** In ms since the request. */
export interface Span {
  /** `mount proc on /proc`, `firmware`, `payload` */
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  /** 0 for a phase of the start, 1 for a step of it. */
  readonly depth: number;
}
