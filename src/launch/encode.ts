/**
 * A program as the bytes of native/launch.h. Pure.
 *
 * Two walks over the ops: the first lays out what they point at (strings, blocks, cells), the second writes the ops
 * themselves, when every offset is known.
 */
import { type Arch, type Errno, errnos, syscallNumber } from '../linux/abi.ts';
import { type Home, Layout } from './layout.ts';
import { Memory } from './memory.ts';
import type { Cell, Op, Program } from './program.ts';

const magic = 0x65726174;
const version = 1;
export const programHeaderSize = 64;
export const opSize = 88;
const stampSize = 16;
const halt = 0xffffffff;

export interface Encoded {
  readonly bytes: Buffer;
  /** Where each cell lives, in bytes from the program's start. */
  readonly cells: ReadonlyMap<Cell, Home>;
  /** Where the stamps begin: one for each op and one for the end, each two u64 (wall, cpu) in ns. 0 without trace. */
  readonly trace: number;
  /** Texts to be written over the bytes before they run: a program used again, for another container. */
  readonly patches?: readonly { readonly at: number; readonly text: string }[];
}

export interface EncodeOptions {
  readonly arch: Arch;
  /** Leave room for a time stamp before each op. */
  readonly trace?: boolean;
  /** To work in; what comes out is a copy. */
  readonly memory?: Memory;
}

export function encode({ ops, report, child }: Program, options: EncodeOptions): Encoded {
  const memory = options.memory ?? new Memory();
  memory.reset(programHeaderSize + ops.length * opSize);
  const layout = new Layout(memory, options.arch);
  ops.forEach((op, index) => layout.place(op.args, index));
  // A cell that no block has taken in by now gets a slot of its own.
  for (const { into } of ops) if (into !== undefined) layout.home(into);
  layout.pointAtSlots();
  const reportAt = report === undefined ? 0 : layout.home(report).offset;
  const childAt = child === undefined ? 0 : layout.home(child).offset;
  const relocs = layout.writeRelocs();
  const trace = options.trace === true ? memory.reserve((ops.length + 1) * stampSize, 8) : 0;

  ops.forEach((op, index) => writeOp(memory, layout, programHeaderSize + index * opSize, op, options.arch));

  const size = memory.reserve(0, 8);
  const header = [
    magic,
    version,
    size,
    ops.length,
    programHeaderSize,
    relocs.count,
    relocs.offset,
    reportAt,
    childAt,
    trace,
  ];
  header.forEach((word, index) => memory.u32(index * 4, word));
  return { bytes: memory.copy(), cells: layout.cells, trace };
}

/** `struct tare_op`. */
function writeOp(memory: Memory, layout: Layout, at: number, op: Op, arch: Arch): void {
  if (op.args.length > 6 || (op.allow?.length ?? 0) > 4)
    throw new RangeError(`${op.why}: an op has at most 6 arguments and forgives at most 4 errnos`);
  memory.u32(at, op.call === 'halt' ? halt : syscallNumber(op.call, arch));
  if (op.min !== undefined) memory.u64(at + 8, op.min);
  for (let index = 0; index < op.args.length; index += 1) {
    layout.writeArgument(op.args[index] ?? 0, at + 16 + index * 8, at + 64 + index);
  }
  if (op.into !== undefined) {
    const home = layout.home(op.into);
    memory.u32(at + 4, home.offset);
    memory.u8(at + 70, home.width);
  }
  if (op.allow !== undefined) {
    if (op.allow.length > 4) throw new RangeError(`${op.why}: no op can forgive more than 4 errnos`);
    memory.u8(at + 71, op.allow.length);
    op.allow.forEach((errno, index) => memory.u16(at + 72 + index * 2, number(errno)));
  }
  if (op.skip !== undefined) memory.u16(at + 80, op.skip);
  if (op.retry !== undefined) {
    memory.u16(at + 82, number(op.retry.on));
    memory.u16(at + 84, op.retry.times);
    memory.u16(at + 86, op.retry.pause ?? 0);
  }
}

const number = (errno: Errno | 0): number => (errno === 0 ? 0 : errnos[errno]);
