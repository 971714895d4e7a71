/**
 * Where the time of a start goes: the interpreter's stamps read against the program that made them. Pure.
 *
 * An op lasts from its own stamp to the next one, so it carries the two clock readings between them; `stampNs` says how
 * much that can be. Times are nanoseconds, counted from the first moment that is known.
 */
import { explainCall } from './explain.ts';
import { forks, leftBehind } from './fork.ts';
import type { Op, Program } from './program.ts';
import type { Stamp } from './stamps.ts';

/** Moments around the program, on the clock of the stamps: CLOCK_MONOTONIC in ns, which `process.hrtime.bigint()` reads too. */
export interface Marks {
  /** Somebody asked for the container. */
  readonly request?: bigint;
  /** The child was made: about to call clone3(2). Needless with a traced bootstrap. */
  readonly cloned?: bigint;
  /** The payload has taken over: execve(2) has closed the socket to the parent. */
  readonly executed?: bigint;
  /** The process has ended. */
  readonly exited?: bigint;
}

export interface Traced {
  readonly program: Program;
  readonly stamps: readonly Stamp[];
}

export interface Surroundings extends Marks {
  /** What the child of clone3 did before the program. */
  readonly bootstrap?: Traced;
}

/** A stretch of time on the axis that begins with the first moment known, in ns. */
export interface Timed {
  readonly startNs: number;
  readonly wallNs: number;
  /** Time of the thread on a CPU; absent where no stamp of the same thread ends it. */
  readonly cpuNs?: number;
  /** The rest: waiting, or ready to run while others ran. */
  readonly blockedNs?: number;
}

/** One call, and how long it took. */
export interface TimedOp extends Timed {
  /** As `explain` counts and failures name it; negative for the bootstrap, which ends at -1. */
  readonly index: number;
  readonly stage: string;
  readonly syscall: Op['call'];
  /** As strace(1) would write it. */
  readonly call: string;
  readonly why: string;
  /** Never made: jumped over, or the program had ended before it. */
  readonly skipped: boolean;
  /** Made by the process that a fork left behind, at the same time as others: its time is not part of any sum. */
  readonly beside: boolean;
}

/** A chapter of the program, from its first call to its last. */
export interface TimedStage extends Timed {
  readonly name: string;
  readonly calls: number;
}

/** What is known only from outside. */
export interface Phase extends Timed {
  /**
   * `request`: before clone3 is called; `clone`: until the child's first stamp; `bootstrap`: until the program's, if that is
   * the first. Of a virtual machine: vm/timeline.ts.
   */
  readonly name: 'request' | 'clone' | 'bootstrap' | 'qemu' | 'firmware' | 'kernel' | 'resume';
  readonly why: string;
}

/** Where the time of a start went. */
export interface Timeline {
  /** From the first moment known to the payload's first instruction, or to the last that is known. */
  readonly totalNs: number;
  /** Sums over the calls; what is left of the total is not known to be either. */
  readonly cpuNs: number;
  readonly blockedNs: number;
  readonly calls: number;
  /** Reading the two clocks before each call costs at most so much: the cheapest call's time, which contains it. */
  readonly stampNs: number;
  /** How long the payload ran, where that is known. */
  readonly payloadNs?: number;
  readonly phases: readonly Phase[];
  /** In order; those of which no call was made are left out. */
  readonly stages: readonly TimedStage[];
  readonly ops: readonly TimedOp[];
}

/** @param stamps one for each op, and one for the end, as `readStamps` returns them */
export function timeline(program: Program, stamps: readonly Stamp[], around: Surroundings = {}): Timeline {
  const { bootstrap, executed, exited } = around;
  const steps = [
    ...(bootstrap === undefined ? [] : stepsOf(bootstrap, -bootstrap.program.ops.length)),
    ...stepsOf({ program, stamps }, 0),
  ];
  const first = steps.find(({ at }) => at !== undefined);
  const cloned = earlier(around.cloned, first?.at);
  const origin = earlier(around.request, cloned) ?? 0n;
  const phases = phasesOf({ origin, cloned, first }, around);

  const end = executed ?? exited;
  const last: End | undefined = end === undefined ? undefined : { at: end };
  const ops = steps.map((step, place) => timeOp(step, endOf(steps, place, stamps[program.ops.length]) ?? last, origin));
  const made = ops.filter(({ skipped }) => !skipped);
  const line = made.filter(({ beside }) => !beside);
  const whole = line.filter(({ index, cpuNs }) => index >= 0 && cpuNs !== undefined);
  return {
    totalNs: Math.max(0, ...[...phases, ...line].map(({ startNs, wallNs }) => startNs + wallNs)),
    cpuNs: sum(line, 'cpuNs'),
    blockedNs: sum(line, 'blockedNs'),
    calls: made.length,
    stampNs: whole.length === 0 ? 0 : Math.min(...whole.map(({ wallNs }) => wallNs)),
    ...(executed !== undefined && exited !== undefined && { payloadNs: Number(exited - executed) }),
    phases,
    stages: stagesOf(made),
    ops,
  };
}

/** An op and when it began. */
interface Step {
  readonly op: Op;
  readonly index: number;
  readonly at: bigint | undefined;
  readonly cpu: bigint;
  readonly beside: boolean;
}

interface End {
  readonly at: bigint;
  readonly cpu?: bigint;
}

function stepsOf({ program, stamps }: Traced, from: number): Step[] {
  const behind = leftBehind(program);
  return program.ops.map((op, index) => {
    const { wall: at, cpu } = stamps[index] ?? { wall: undefined, cpu: 0n };
    return { op, index: from + index, at, cpu, beside: behind.has(index) };
  });
}

/** The next moment that the same process left a stamp. */
function endOf(steps: readonly Step[], place: number, halted: Stamp | undefined): End | undefined {
  const step = steps[place];
  if (step?.at === undefined) return undefined;
  for (const next of steps.slice(place + 1)) {
    if (step.beside && !next.beside) break;
    if (next.at === undefined || next.beside !== step.beside) continue;
    // A new process has a new CPU clock: the old one's share in making it is on neither's account.
    return forks(step.op) ? { at: next.at } : { at: next.at, cpu: next.cpu };
  }
  const halts = steps.some(({ op, at, beside }) => op.call === 'halt' && at !== undefined && beside);
  if (halted?.wall !== undefined && halts === step.beside) return { at: halted.wall, cpu: halted.cpu };
  // Nobody sees the end of the last call that a process left behind makes.
  return step.beside ? { at: step.at } : undefined;
}

function timeOp({ op, index, at, cpu, beside }: Step, end: End | undefined, origin: bigint): TimedOp {
  const { stage, call: syscall, why } = op;
  const skipped = at === undefined;
  const time = skipped ? { startNs: 0, wallNs: 0 } : span(at, end ?? { at }, origin, cpu);
  return { index, stage, syscall, call: explainCall(op), why, ...time, skipped, beside };
}

/** The two clocks are not read at the same instant: a thread may seem to have run for longer than time went by. */
function span(at: bigint, end: End, origin: bigint, cpu: bigint): Timed {
  const startNs = Number(at - origin);
  const wallNs = Math.max(0, Number(end.at - at));
  if (end.cpu === undefined) return { startNs, wallNs };
  const cpuNs = Math.min(wallNs, Math.max(0, Number(end.cpu - cpu)));
  return { startNs, wallNs, cpuNs, blockedNs: wallNs - cpuNs };
}

interface Beginning {
  readonly origin: bigint;
  readonly cloned: bigint | undefined;
  readonly first: Step | undefined;
}

function phasesOf({ origin, cloned, first }: Beginning, { request, cloned: seen, bootstrap }: Surroundings): Phase[] {
  const phases: Phase[] = [];
  if (request !== undefined && cloned !== undefined) {
    const why = seen === undefined ? 'prepare the program, and clone3' : 'prepare the program';
    phases.push({ name: 'request', why, ...span(origin, { at: cloned }, origin, 0n) });
  }
  if (seen === undefined || cloned === undefined || first?.at === undefined) return phases;
  if (bootstrap !== undefined) {
    phases.push({ name: 'clone', why: 'clone3 makes the process', ...span(cloned, { at: first.at }, origin, 0n) });
    return phases;
  }
  // The CPU clock of a thread begins with the thread.
  const why = 'make the process, which executes tare-init';
  phases.push({ name: 'bootstrap', why, ...span(cloned, { at: first.at, cpu: first.cpu }, origin, 0n) });
  return phases;
}

function stagesOf(made: readonly TimedOp[]): TimedStage[] {
  const groups: TimedOp[][] = [];
  for (const op of made) {
    const group = groups.at(-1);
    if (group?.[0]?.stage === op.stage) group.push(op);
    else groups.push([op]);
  }
  return groups.map((group) => {
    const line = group.filter(({ beside }) => !beside);
    const [first] = line.length > 0 ? line : group;
    const [wallNs, cpuNs, blockedNs] = [sum(line, 'wallNs'), sum(line, 'cpuNs'), sum(line, 'blockedNs')];
    return { name: first?.stage ?? '', calls: group.length, startNs: first?.startNs ?? 0, wallNs, cpuNs, blockedNs };
  });
}

const sum = (times: readonly Timed[], of: 'wallNs' | 'cpuNs' | 'blockedNs'): number =>
  times.reduce((total, time) => total + (time[of] ?? 0), 0);

/** The earlier of two moments, or the one that is known. */
function earlier(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

/**
 * The timeline as a JSON text: `version` 1, then the fields of `Timeline`, in nanoseconds; one call a line. What is not known is absent.
 */
export function toJson(timeline: Timeline): string {
  const { phases, stages, ops, ...totals } = timeline;
  const scalars = Object.entries({ version: 1, ...totals }).map(([name, value]) => `  "${name}": ${value}`);
  const list = (name: string, rows: readonly unknown[]) =>
    `  "${name}": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`;
  return `{\n${[...scalars, list('phases', phases), list('stages', stages), list('ops', ops)].join(',\n')}\n}\n`;
}
