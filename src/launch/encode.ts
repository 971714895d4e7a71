/**
 * A program as the bytes of native/launch.h.
 *
 * Two walks over the ops: the first lays out what they point at (strings, blocks, cells), the second writes the ops
 * themselves, when every offset is known.
 */
import { type Arch, type Errno, errnos, syscallNumber } from '../linux/abi.ts';
import { archValue, type Named } from '../linux/flags.ts';
import type { Arg, Cell, Data, Field, Op, Program } from './program.ts';

const magic = 0x65726174;
const version = 1;
const headerSize = 64;
const opSize = 88;
const stampSize = 16;
const halt = 0xffffffff;
const kinds = { value: 0, address: 1, cell8: 2, cell4: 3 } as const;

export interface Encoded {
  readonly bytes: Buffer;
  /** Where each cell lives, in bytes from the program's start. */
  readonly cells: ReadonlyMap<Cell, Home>;
  /** Where the stamps begin: one for each op and one for the end, each two u64 (wall, cpu) in ns. 0 without trace. */
  readonly trace: number;
}

export interface Home {
  readonly offset: number;
  readonly width: 4 | 8;
}

export interface EncodeOptions {
  readonly arch: Arch;
  /** Leave room for a time stamp before each op. */
  readonly trace?: boolean;
}

export function encode(program: Program, options: EncodeOptions): Encoded {
  const layout = new Layout(options.arch, headerSize + program.ops.length * opSize);
  program.ops.forEach((op, index) => {
    for (const arg of op.args) layout.place(arg, index);
  });
  // A cell that no block has taken in by now gets a slot of its own.
  for (const { into } of program.ops) if (into !== undefined) layout.home(into);
  layout.pointAtSlots();
  const report = program.report === undefined ? 0 : layout.home(program.report).offset;
  const child = program.child === undefined ? 0 : layout.home(program.child).offset;
  const relocs = layout.writeRelocs();
  const trace = options.trace === true ? layout.reserve((program.ops.length + 1) * stampSize, 8) : 0;

  program.ops.forEach((op, index) => writeOp(layout, headerSize + index * opSize, op, options.arch));

  const size = layout.end();
  const header = [
    magic,
    version,
    size,
    program.ops.length,
    headerSize,
    relocs.count,
    relocs.offset,
    report,
    child,
    trace,
  ];
  header.forEach((word, index) => layout.u32(index * 4, word));
  return { bytes: layout.bytes(), cells: layout.cells, trace };
}

function writeOp(layout: Layout, at: number, op: Op, arch: Arch): void {
  layout.u32(at, op.call === 'halt' ? halt : syscallNumber(op.call, arch));
  layout.u64(at + 8, op.min ?? 0);
  op.args.forEach((arg, index) => {
    const [kind, value] = layout.argument(arg);
    layout.u64(at + 16 + index * 8, value);
    layout.u8(at + 64 + index, kind);
  });
  if (op.into !== undefined) {
    const home = layout.home(op.into);
    layout.u32(at + 4, home.offset);
    layout.u8(at + 70, home.width);
  }
  const allow = op.allow ?? [];
  layout.u8(at + 71, allow.length);
  allow.forEach((errno, index) => layout.u16(at + 72 + index * 2, number(errno)));
  layout.u16(at + 80, op.skip ?? 0);
  if (op.retry !== undefined) {
    layout.u16(at + 82, number(op.retry.on));
    layout.u16(at + 84, op.retry.times);
  }
}

const number = (errno: Errno | 0): number => (errno === 0 ? 0 : errnos[errno]);

/** A growing block of memory and what has been put where. */
class Layout {
  readonly cells = new Map<Cell, Home>();
  readonly #arch: Arch;
  readonly #strings = new Map<string, number>();
  readonly #blocks = new Map<Data, number>();
  readonly #relocs: number[] = [];
  readonly #slots: { readonly at: number; readonly cell: Cell }[] = [];
  #memory = Buffer.alloc(32768);
  #end: number;
  #op = 0;

  constructor(arch: Arch, start: number) {
    this.#arch = arch;
    this.#end = start;
    this.#grow(start);
  }

  /** Makes sure that what the argument points at has a place. */
  place(arg: Arg, op: number): void {
    this.#op = op;
    if (typeof arg === 'string') this.string(arg);
    else if (typeof arg === 'object' && arg.kind === 'data') this.block(arg);
  }

  argument(arg: Arg): [kind: number, value: number | bigint] {
    if (typeof arg === 'string') return [kinds.address, this.string(arg)];
    if (typeof arg !== 'object') return [kinds.value, arg];
    if (arg.kind === 'named') return [kinds.value, archValue(arg.value, this.#arch)];
    if (arg.kind === 'data') return [kinds.address, this.block(arg)];
    const home = this.home(arg);
    return [home.width === 8 ? kinds.cell8 : kinds.cell4, home.offset];
  }

  string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const length = Buffer.byteLength(text);
    const offset = this.reserve(length + 1, 1);
    this.#memory.write(text, offset);
    this.#strings.set(text, offset);
    return offset;
  }

  /** The block's own bytes first, in one piece; what its fields point at afterwards. */
  block(data: Data): number {
    const known = this.#blocks.get(data);
    if (known !== undefined) return known;
    const offset = this.reserve(
      data.fields.reduce((sum, field) => sum + fieldSize(field), 0),
      16,
    );
    this.#blocks.set(data, offset);
    let at = offset;
    for (const field of data.fields) {
      this.#field(at, field);
      at += fieldSize(field);
    }
    return offset;
  }

  home(cell: Cell): Home {
    const known = this.cells.get(cell);
    if (known !== undefined) return known;
    const home: Home = { offset: this.reserve(8, 8), width: 8 };
    if (cell.initial !== undefined) this.u64(home.offset, cell.initial);
    this.cells.set(cell, home);
    return home;
  }

  reserve(size: number, align: number): number {
    const offset = Math.ceil(this.#end / align) * align;
    this.#end = offset + size;
    this.#grow(this.#end);
    return offset;
  }

  /** Only when every block has its place: a cell may live in one that comes later. */
  pointAtSlots(): void {
    for (const { at, cell } of this.#slots) this.#pointer(at, this.home(cell).offset);
  }

  writeRelocs(): { offset: number; count: number } {
    const offset = this.reserve(this.#relocs.length * 4, 4);
    this.#relocs.forEach((word, index) => this.u32(offset + index * 4, word));
    return { offset, count: this.#relocs.length };
  }

  end(): number {
    return this.reserve(0, 8);
  }

  bytes(): Buffer {
    return this.#memory.subarray(0, this.#end);
  }

  u8(at: number, value: number): void {
    this.#memory[at] = value;
  }

  u16(at: number, value: number): void {
    this.#memory.writeUInt16LE(value, at);
  }

  u32(at: number, value: number): void {
    this.#memory.writeUInt32LE(value >>> 0, at);
  }

  /** Any integer that fits in 64 bits, signed or not. */
  u64(at: number, value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#memory.writeBigUInt64LE(BigInt.asUintN(64, value), at);
      return;
    }
    this.u32(at, value);
    this.u32(at + 4, Math.floor(value / 2 ** 32));
  }

  #field(at: number, field: Field): void {
    if ('u8' in field) this.u8(at, field.u8);
    else if ('u16' in field) this.u16(at, field.u16);
    else if ('u32' in field) this.u32(at, Number(this.#number(field.u32)));
    else if ('u64' in field) this.u64(at, this.#number(field.u64));
    else if ('self' in field) this.u32(at, this.#op);
    else if ('bytes' in field) this.#memory.set(field.bytes, at);
    else if ('cell' in field) this.#embed(field.cell, { offset: at, width: field.width });
    else if ('slot' in field) this.#slots.push({ at, cell: field.slot });
    else if (field.address === null) this.u64(at, 0);
    else this.#pointer(at, typeof field.address === 'string' ? this.string(field.address) : this.block(field.address));
  }

  #embed(cell: Cell, home: Home): void {
    if (this.cells.has(cell)) throw new RangeError(`$${cell.name} has two homes`);
    this.cells.set(cell, home);
  }

  #pointer(at: number, target: number): void {
    this.u64(at, target);
    this.#relocs.push(at);
  }

  #number(value: number | bigint | Named): number | bigint {
    return typeof value === 'object' ? archValue(value.value, this.#arch) : value;
  }

  #grow(size: number): void {
    if (size <= this.#memory.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#memory.length * 2));
    larger.set(this.#memory);
    this.#memory = larger;
  }
}

function fieldSize(field: Field): number {
  if ('u8' in field) return 1;
  if ('u16' in field) return 2;
  if ('u32' in field || 'self' in field) return 4;
  if ('bytes' in field) return field.bytes.length;
  if ('cell' in field) return field.width;
  return 8;
}
