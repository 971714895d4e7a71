/** A program's memory, come back from the guest: what its ops have left in their cells and blocks, and its stamps. */
import type { Encoded } from '../launch/encode.ts';
import type { Cell, Program } from '../launch/program.ts';
import { readStamps, type Stamp } from '../launch/stamps.ts';

export class Returned {
  readonly #program: Program;
  readonly #encoded: Encoded;
  readonly #pieces: Uint8Array[] = [];
  #bytes: Buffer | undefined;

  constructor(program: Program, encoded: Encoded) {
    this.#program = program;
    this.#encoded = encoded;
  }

  /** The next piece. */
  add(bytes: Uint8Array): void {
    this.#pieces.push(Uint8Array.from(bytes));
  }

  /** What a cell holds; undefined for one that the program does not have, and where no memory was returned. */
  cell(cell: Cell): bigint | undefined {
    const home = this.#encoded.cells.get(cell);
    if (home === undefined || this.#memory.length === 0) return undefined;
    return home.width === 8 ? this.#memory.readBigInt64LE(home.offset) : BigInt(this.#memory.readInt32LE(home.offset));
  }

  /** The bytes from where a cell lives on: a block that begins with a cell is found by it. */
  bytes(cell: Cell, length: number): Buffer {
    const home = this.#encoded.cells.get(cell);
    return home === undefined ? Buffer.alloc(0) : this.#memory.subarray(home.offset, home.offset + length);
  }

  /** When each op began, by the guest's clock; empty unless it was traced and its memory returned. */
  get stamps(): readonly Stamp[] {
    const { trace } = this.#encoded;
    if (trace === 0 || this.#memory.length === 0) return [];
    return readStamps(this.#memory.subarray(trace), this.#program.ops.length);
  }

  get #memory(): Buffer {
    this.#bytes ??= Buffer.concat(this.#pieces);
    return this.#bytes;
  }
}
