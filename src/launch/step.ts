/**
 * A debugger's stops, woven into a program: before each chosen op it tells the parent where it is, and waits for a byte. Pure.
 *
 *     sendto($sync, {STOPPED: step}, …)     stop before: make a mount table of its own
 *     read($sync, {byte}, 1)                wait for the word to go on
 *     unshare(CLONE_NEWNS)                  make a mount table of its own
 */
import { leftBehind } from './fork.ts';
import { stopAndWait } from './parent.ts';
import { type Op, type Program, ProgramBuilder } from './program.ts';

export interface Woven {
  readonly program: Program;
  /** By the index of an op in the woven program: the index of the op it is, or stops before, in the original. */
  readonly original: readonly number[];
}

/**
 * @param before whether to stop before an op
 *
 * An op that a fork leaves behind never gets a stop: two processes would wait on one socket, and either could take the
 * answer meant for the other.
 * @throws RangeError if the program has no socket to its parent (`report`)
 */
export function weave(program: Program, before: (op: Op, index: number) => boolean): Woven {
  const sync = program.report;
  if (sync === undefined) throw new RangeError('a program without a socket to its parent cannot stop');
  const behind = leftBehind(program);
  const ops: Op[] = [];
  const original: number[] = [];
  /** Where each op's own part begins, its stop included; at the end, where the program ends. */
  const starts: number[] = [];
  const places: number[] = [];

  program.ops.forEach((op, index) => {
    starts.push(ops.length);
    if (!behind.has(index) && before(op, index)) ops.push(...stopBefore(op, sync));
    places.push(ops.length);
    ops.push(op);
    while (original.length < ops.length) original.push(index);
  });
  starts.push(ops.length);

  program.ops.forEach((op, index) => {
    const place = places[index] ?? 0;
    const target = starts[index + 1 + (op.skip ?? 0)] ?? ops.length;
    if (op.skip !== undefined) ops[place] = { ...op, skip: target - place - 1 };
  });
  return { program: { ...program, ops }, original };
}

function stopBefore(op: Op, sync: NonNullable<Program['report']>): readonly Op[] {
  const b = new ProgramBuilder().stage(op.stage);
  stopAndWait({ b, sync }, 'step', `stop before: ${op.why}`);
  return b.ops;
}

/** For `weave`: only so far as no filter of the user's own judges the calls by which a program stops. */
export function untilFiltered(program: Program): (op: Op, index: number) => boolean {
  const filter = program.ops.findIndex(({ call }) => call === 'seccomp');
  return (_, index) => filter < 0 || index <= filter;
}
