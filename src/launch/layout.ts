/** Where in a program's memory everything lies that its ops point at. */
import type { Arch } from '../linux/abi.ts';
import { archValue, type Named } from '../linux/flags.ts';
import type { Memory } from './memory.ts';
import type { Arg, Cell, Data, Field } from './program.ts';

/** `TARE_VALUE` … of native/launch.h. */
const kinds = { value: 0, address: 1, cell8: 2, cell4: 3 } as const;

/** Where a cell lives, in bytes from the program's start. */
export interface Home {
  readonly offset: number;
  readonly width: 4 | 8;
}

export class Layout {
  readonly cells = new Map<Cell, Home>();
  readonly #memory: Memory;
  readonly #arch: Arch;
  readonly #strings = new Map<string, number>();
  readonly #blocks = new Map<Data, number>();
  readonly #relocs: number[] = [];
  readonly #slots: { readonly at: number; readonly cell: Cell }[] = [];
  #op = 0;

  constructor(memory: Memory, arch: Arch) {
    this.#memory = memory;
    this.#arch = arch;
  }

  /** Makes sure that what the arguments of an op point at has a place. */
  place(args: readonly Arg[], op: number): void {
    this.#op = op;
    for (const arg of args) {
      if (typeof arg === 'string') this.#string(arg);
      else if (typeof arg === 'object' && arg.kind === 'data') this.#block(arg);
    }
  }

  writeArgument(arg: Arg, at: number, kindAt: number): void {
    if (typeof arg === 'string') this.#argument(at, kindAt, kinds.address, this.#string(arg));
    else if (typeof arg !== 'object') this.#argument(at, kindAt, kinds.value, arg);
    else if (arg.kind === 'named') this.#argument(at, kindAt, kinds.value, archValue(arg.value, this.#arch));
    else if (arg.kind === 'data') this.#argument(at, kindAt, kinds.address, this.#block(arg));
    else {
      const home = this.home(arg);
      this.#argument(at, kindAt, home.width === 8 ? kinds.cell8 : kinds.cell4, home.offset);
    }
  }

  home(cell: Cell): Home {
    const known = this.cells.get(cell);
    if (known !== undefined) return known;
    const home: Home = { offset: this.#memory.reserve(8, 8), width: 8 };
    if (cell.initial !== undefined) this.#memory.u64(home.offset, cell.initial);
    this.cells.set(cell, home);
    return home;
  }

  /** Only when every block has its place: a cell may live in one that comes later. */
  pointAtSlots(): void {
    for (const { at, cell } of this.#slots) this.#pointer(at, this.home(cell).offset);
  }

  writeRelocs(): { offset: number; count: number } {
    const offset = this.#memory.reserve(this.#relocs.length * 4, 4);
    this.#relocs.forEach((word, index) => this.#memory.u32(offset + index * 4, word));
    return { offset, count: this.#relocs.length };
  }

  #argument(at: number, kindAt: number, kind: number, value: number | bigint): void {
    if (value !== 0) this.#memory.u64(at, value);
    if (kind !== kinds.value) this.#memory.u8(kindAt, kind);
  }

  #string(text: string): number {
    let offset = this.#strings.get(text);
    if (offset === undefined) {
      offset = this.#memory.string(text);
      this.#strings.set(text, offset);
    }
    return offset;
  }

  /** The block's own bytes first, in one piece; what its fields point at afterwards. */
  #block(data: Data): number {
    const known = this.#blocks.get(data);
    if (known !== undefined) return known;
    let size = 0;
    for (const field of data.fields) size += fieldSize(field);
    const offset = this.#memory.reserve(size, 16);
    this.#blocks.set(data, offset);
    let at = offset;
    for (const field of data.fields) {
      this.#field(at, field);
      at += fieldSize(field);
    }
    return offset;
  }

  #field(at: number, field: Field): void {
    const memory = this.#memory;
    if ('u64' in field) memory.u64(at, this.#number(field.u64));
    else if ('u32' in field) memory.u32(at, Number(this.#number(field.u32)));
    else if ('address' in field) this.#address(at, field.address);
    else if ('u16' in field) memory.u16(at, field.u16);
    else if ('u8' in field) memory.u8(at, field.u8);
    else if ('self' in field) memory.u32(at, this.#op);
    else if ('bytes' in field) memory.set(at, field.bytes);
    else if ('cell' in field) this.#embed(field.cell, { offset: at, width: field.width });
    else this.#slots.push({ at, cell: field.slot });
  }

  #address(at: number, target: string | Data | null): void {
    if (target !== null) this.#pointer(at, typeof target === 'string' ? this.#string(target) : this.#block(target));
  }

  #embed(cell: Cell, home: Home): void {
    if (this.cells.has(cell)) throw new RangeError(`$${cell.name} has two homes`);
    this.cells.set(cell, home);
    if (cell.initial === undefined) return;
    if (home.width === 8) this.#memory.u64(home.offset, cell.initial);
    else this.#memory.u32(home.offset, cell.initial);
  }

  #pointer(at: number, target: number): void {
    this.#memory.u64(at, target);
    this.#relocs.push(at);
  }

  #number(value: number | bigint | Named): number | bigint {
    return typeof value === 'object' ? archValue(value.value, this.#arch) : value;
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
