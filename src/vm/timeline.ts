/**
 * Where a machine's start goes, on the axis of a container's: what QEMU, the firmware and the kernel take is known from
 * outside, and every call of the guest's programs by its own stamps. Pure.
 *
 * The guest stamps with its own CLOCK_MONOTONIC, which begins when its kernel has set it up; one moment that both clocks
 * saw puts all others on the host's. What the guest says travels by the channel for some 0.1 ms: no call is later than shown
 * by more than that.
 */
import { type Phase, type Surroundings, type Timeline, timeline, type Traced } from '../launch/trace.ts';

/** A moment by both clocks, in ns. */
export interface Meeting {
  readonly host: bigint;
  readonly guest: bigint;
}

/** Moments of a machine, on the host's CLOCK_MONOTONIC in ns. */
export interface MachineMarks {
  /** Somebody asked for it. */
  readonly request: bigint;
  /** QEMU was started, */
  readonly started: bigint;
  /** and spoke QMP. */
  readonly greeted: bigint | undefined;
  /** The guest was there. */
  readonly ready: bigint;
}

export interface MachineTrace {
  readonly marks: MachineMarks;
  readonly meeting: Meeting;
  /** When pid 1 began, by the guest's clock; undefined for a guest that was resumed. */
  readonly pidOne: bigint | undefined;
  /** What the guest ran, in order, with the guest's stamps. */
  readonly programs: readonly (Traced & { readonly name: string })[];
  /** Of the payload, by the guest's clock. */
  readonly executed: bigint | undefined;
  readonly exited: bigint | undefined;
}

export function machineTimeline(trace: MachineTrace): Timeline {
  const { marks, meeting, programs } = trace;
  const onHost = (guest: bigint): bigint => guest + meeting.host - meeting.guest;
  const executed = trace.executed === undefined ? undefined : onHost(trace.executed);
  const exited = trace.exited === undefined ? undefined : onHost(trace.exited);
  const parts = programs.map(({ name, program, stamps }, index) => {
    const moved = stamps.map((stamp) => ({
      ...stamp,
      wall: stamp.wall === undefined ? undefined : onHost(stamp.wall),
    }));
    const last = index === programs.length - 1;
    const around: Surroundings = { request: marks.request, ...(last && executed !== undefined && { executed }) };
    return named(name, timeline(program, moved, around));
  });
  const phases = phasesOf(trace, onHost);
  const ends = [...phases, ...parts.flatMap(({ ops }) => ops)].map(({ startNs, wallNs }) => startNs + wallNs);
  const total = (of: 'cpuNs' | 'blockedNs' | 'calls') => parts.reduce((sum, part) => sum + part[of], 0);
  return {
    totalNs: Math.max(0, ...ends),
    cpuNs: total('cpuNs'),
    blockedNs: total('blockedNs'),
    calls: total('calls'),
    stampNs: Math.max(0, ...parts.map(({ stampNs }) => stampNs)),
    ...(executed !== undefined && exited !== undefined && { payloadNs: Number(exited - executed) }),
    phases,
    stages: parts.flatMap(({ stages }) => stages),
    ops: parts.flatMap(({ ops }) => ops),
  };
}

/** Programs have stages of the same names: whose it is goes before. */
function named(name: string, { stages, ops, ...rest }: Timeline): Timeline {
  return {
    ...rest,
    stages: stages.map((stage) => ({ ...stage, name: `${name} ${stage.name}` })),
    ops: ops.map((op) => ({ ...op, stage: `${name} ${op.stage}` })),
  };
}

function phasesOf({ marks, pidOne }: MachineTrace, onHost: (guest: bigint) => bigint): Phase[] {
  const { request, started, ready } = marks;
  const { greeted = started } = marks;
  const phase = (name: Phase['name'], why: string, from: bigint, to: bigint): Phase => ({
    name,
    why,
    startNs: Number(from - request),
    wallNs: Math.max(0, Number(to - from)),
  });
  const before = [
    phase('request', 'find the kernel and the disks', request, started),
    phase('qemu', 'QEMU starts, in its jail', started, greeted),
  ];
  if (pidOne === undefined) return [...before, phase('resume', 'the guest is taken up', greeted, ready)];
  // The clock of a kernel begins at 0.
  const clock = onHost(0n);
  return [
    ...before,
    phase('firmware', 'and the kernel, until its clock runs', greeted, clock),
    phase('kernel', 'until it executes pid 1', clock, onHost(pidOne)),
  ];
}
