/** A file for C to read, as it grows behind its header: texts, tables and programs, and where each of them is. Pure. */

/** `struct span` of native/record.h. */
export interface Span {
  readonly at: number;
  readonly count: number;
}

export class Blob {
  readonly #parts: Buffer[];
  #size: number;

  constructor(headerSize: number) {
    this.#parts = [Buffer.alloc(headerSize)];
    this.#size = headerSize;
  }

  add(bytes: Uint8Array, align = 1): Span {
    const at = Math.ceil(this.#size / align) * align;
    this.#parts.push(Buffer.alloc(at - this.#size), Buffer.from(bytes));
    this.#size = at + bytes.length;
    return { at, count: bytes.length };
  }

  /** Ended by NUL, which the count leaves out. */
  text(text: string): Span {
    const { at, count } = this.add(Buffer.from(`${text}\0`));
    return { at, count: count - 1 };
  }

  /** Every place of a text so far. */
  find(text: string): number[] {
    return findAll(this.bytes(), text);
  }

  /** All there is so far. */
  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** The header's 32-bit words, of which the second is the size; and a NUL behind all, so that no text goes on beyond the end. */
  finish(magic: number, words: readonly number[]): Buffer {
    this.text('');
    const bytes = Buffer.concat(this.#parts);
    [magic, bytes.length, ...words].forEach((word, index) => bytes.writeInt32LE(word | 0, index * 4));
    return bytes;
  }
}

export function findAll(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

export const spanWords = (spans: readonly Span[]): number[] => spans.flatMap(({ at, count }) => [at, count]);
