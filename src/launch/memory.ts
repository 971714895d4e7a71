/**
 * A growing block of memory, written by offset in the byte order of both architectures: little-endian.
 *
 * Encoding is most of what a start costs in TypeScript, so the words are written through a typed array where they are
 * aligned, and one block serves many programs.
 */
export class Memory {
  #bytes: Buffer;
  #words: Uint32Array;
  #end = 0;

  constructor(size = 65536) {
    [this.#bytes, this.#words] = allocate(size);
  }

  /** Starts anew: all zeros, `size` bytes taken. */
  reset(size: number): void {
    this.#bytes.fill(0, 0, this.#end);
    this.#end = 0;
    this.reserve(size, 1);
  }

  /** The offset of `size` fresh bytes. @param align a power of two */
  reserve(size: number, align: number): number {
    const offset = (this.#end + align - 1) & -align;
    this.#end = offset + size;
    if (this.#end > this.#bytes.length) this.#grow();
    return offset;
  }

  /** What has been taken, as memory of its own: a program is relocated where it lies. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.#end);
    this.#bytes.copy(copy, 0, 0, this.#end);
    return copy;
  }

  u8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  u16(at: number, value: number): void {
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  u32(at: number, value: number): void {
    if ((at & 3) === 0) this.#words[at >>> 2] = value;
    else this.#bytes.writeUInt32LE(value >>> 0, at);
  }

  /** Any integer that fits in 64 bits, signed or not. */
  u64(at: number, value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
      return;
    }
    this.u32(at, value);
    if (value < 0 || value > 0xffffffff) this.u32(at + 4, Math.floor(value / 2 ** 32));
  }

  set(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  /** The offset of a new NUL-terminated string. */
  string(text: string): number {
    const offset = this.reserve(text.length + 1, 1);
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return this.#utf8(text, offset);
      this.#bytes[offset + index] = code;
    }
    return offset;
  }

  #utf8(text: string, offset: number): number {
    this.reserve(Buffer.byteLength(text) - text.length, 1);
    this.#bytes.write(text, offset);
    return offset;
  }

  #grow(): void {
    const [bytes, words] = allocate(this.#end * 2);
    bytes.set(this.#bytes);
    [this.#bytes, this.#words] = [bytes, words];
  }
}

function allocate(size: number): [Buffer, Uint32Array] {
  const memory = new ArrayBuffer((size + 7) & -8);
  return [Buffer.from(memory), new Uint32Array(memory)];
}
